/* A model of who must confirm an entry before it is acknowledged, for spin: a master, two replicas,
 * and sentinels that replace the master although it lives. docs/redis.md has the rules; test_model.py
 * searches all runs, and shows that each rule is needed.
 *
 * A failover takes one replica, which leaves the old master at once. The other one stays with the
 * old master, and confirms to it, until the failover is over. A replica may also just be gone for a
 * while. The backend writes to the old master, which does not know what happens.
 *
 * What is taken for granted: sentinels take no replica that came after the backend looked last. They
 * must have asked it first, and they do that less often.
 */
#define REPLICAS 2
#define WRITES 2
#define ABSENCES 2

#define in(set, replica) (((set) >> (replica)) & 1)
#define count(set) (((set) & 1) + ((set) >> 1))

byte has[REPLICAS];       /* how many entries */
byte written = 0;         /* entries of the old master */
byte acknowledged = 0;
byte attached = 3;        /* a set of replicas: one bit each */
byte seen = 0;            /* those that the backend has seen since they came */
byte absences = ABSENCES;
bool replacing = false;   /* what a sentinel tells who asks */
bool replaced = false;

#define leave(replica) attached = attached & ~(1 << (replica)); seen = seen & ~(1 << (replica))
#define look() online = attached; seen = attached

#define confirms(replica) (in(attached, replica) && has[replica] == written)

active proctype Master() {
  do
  :: in(attached, 0) && has[0] < written -> has[0]++
  :: in(attached, 1) && has[1] < written -> has[1]++
  :: replaced -> break
  od
}

active proctype Sentinels() {
  byte taken;
  do
  :: d_step { absences > 0 && in(attached, 0) -> leave(0); absences-- }
  :: d_step { absences > 0 && in(attached, 1) -> leave(1); absences-- }
  /* A replica that comes back has everything by the time that it counts as one. */
  :: d_step { !in(attached, 0) -> attached = attached + 1; has[0] = written }
  :: d_step { !in(attached, 1) -> attached = attached + 2; has[1] = written }
  :: break
  od;
  replacing = true;
  if
  :: d_step { in(attached & seen, 0) -> leave(0); taken = 0 }
  :: d_step { in(attached & seen, 1) -> leave(1); taken = 1 }
  :: taken = REPLICAS /* it is given up */
  fi;
  /* For a while there are two masters. */
  d_step {
    replaced = true;
    assert(taken == REPLICAS || has[taken] >= acknowledged)
  }
}

active proctype Backend() {
  byte required = 0;
  byte online;
  bool pending = false;
  bool sure = false;

  do
  :: replaced -> break

  /* Who must confirm: the master is asked first, then the sentinels. */
  :: !sure && !replaced ->
#ifdef SENTINELS_FIRST
       !replacing || replaced;
       d_step { look() };
#else
       d_step { look() };
#ifndef NOBODY_ASKED
       !replacing || replaced;
#endif
#endif
       required = online; sure = true

  :: sure && !pending ->
       d_step {
         look();
         if
         :: (required & ~online) != 0 -> sure = false
         :: else -> required = online
         fi;
         online = 0
       }

  :: sure && !pending && written < WRITES -> d_step { written++; pending = true }

  /* WAIT, and the list of replicas just after it. */
  :: sure && pending ->
       d_step {
         look();
#ifdef COUNT_ONLY
         if
         :: confirms(0) + confirms(1) >= 1 -> acknowledged = written; pending = false
         :: else -> skip
         fi
#else
         if
         :: (required & ~online) != 0 -> sure = false
         :: else ->
#ifndef NEWCOMERS_IGNORED
              required = online;
#endif
              if
              :: count(required) > 0 && confirms(0) + confirms(1) >= count(required) ->
                   acknowledged = written; pending = false
              :: else -> skip
              fi
         fi;
#endif
         online = 0
       }
  od
}
