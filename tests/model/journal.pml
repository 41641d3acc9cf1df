/* A model of the journal over Redis, for spin: when an operation may be acknowledged, how unknown
 * outcomes are resolved, what failovers lose, and when an epoch ends. docs/redis.md has the rules.
 * test_model.py searches all runs, and shows that each rule is needed: without it (NO_WAIT and the
 * others) the search must find a run that goes wrong.
 *
 * Two nodes, one of them the master. What it writes reaches the other a few commands later, or
 * never: a failover promotes the other as it is. The old master does not notice and goes on serving
 * whoever is connected to it. Then it becomes the replica and forgets what it had.
 *
 * Two backends, each with a connection to a node, over which it calls and reads the log, and a
 * subscription, which may deliver late, perhaps from a node that is not the master any more.
 *
 * Clients number their operations and have one under way. Whoever waits too long asks the other
 * backend the same, while the first may still be at it.
 *
 * How often things go wrong is bounded, so every run ends (the search shows that, too).
 *
 * A history stands for the log, for the board and, as a whole, for the digest: three bits an
 * operation, the newest lowest.
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef SEQUENCES
#define SEQUENCES 1 /* operations of a client */
#endif
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#ifndef LOST_REPLIES
#define LOST_REPLIES 0
#endif
#ifndef CRASHES
#define CRASHES 0 /* of the second backend; it could be either */
#endif
#ifndef IMPATIENCE
#define IMPATIENCE 0
#endif
#define LAG 2 /* commands that the replica can be behind */

#define BACKENDS 2
#define PAST 2    /* a node's number: what was published by a master that is none any more */
#define NOWHERE 3

#define operation(client, sequence) ((client) * SEQUENCES + (sequence)) /* from 1 on; below 8 */
#define want(backend, client) wanted[(backend) * CLIENTS + (client)]
#define other(n) (1 - (n))

typedef Journal {
  byte epoch;  /* 0: there is none */
  byte offset;
  int history
};

Journal node[4];               /* the last one, NOWHERE, is always empty */
Journal board[BACKENDS];
chan stream = [LAG] of { byte, byte, int }; /* from the master to its replica */
byte master = 0;
bool linked = true;            /* the other node is the master's replica */
byte connection[BACKENDS];
byte subscription[BACKENDS];
bool doubt[BACKENDS];          /* after connecting: does the journal still hold the board? */
byte wanted[4];                /* by backend and client: the sequence that is asked for */
byte asked[CLIENTS] = NOWHERE; /* the backend that a client is connected to */
bool dropped[CLIENTS];         /* that one is gone */
bool left[CLIENTS];            /* the client has given up */
byte answered[8];              /* by operation: the offset that was told */
byte failovers = FAILOVERS, lost_replies = LOST_REPLIES, crashes = CRASHES;
byte impatience = IMPATIENCE;
bool lost = false;             /* something that was shown is not in the master's history */

hidden byte i, at;             /* only inside steps */

/* --- Histories ------------------------------------------------------------------------------ */

#define beginning(j, length) (j.history >> (3 * (j.offset - (length))))
#define holds(j, b) (b.offset <= j.offset && b.history == beginning(j, b.offset))

/* Whether a backend takes the journal for one that holds its board. */
#ifdef NO_DIGESTS
#define seems_to_hold(j, b) (b.offset <= j.offset)
#else
#define seems_to_hold(j, b) holds(j, b)
#endif

/* at = the offset of an operation; 0: it is not there. */
inline find(j, what) {
  at = j.offset;
  do
  :: at == 0 || (beginning(j, at) & 7) == what -> break
  :: else -> at--
  od
}

inline copy(to, from) {
  to.epoch = from.epoch; to.offset = from.offset; to.history = from.history
}

/* What was acknowledged is in the history that counts: once, and where it was said to be. */
inline check_promises() {
  i = 1;
  do
  :: i <= CLIENTS * SEQUENCES ->
    find(node[master], i);
    assert(answered[i] == 0 || answered[i] == at);
    do
    :: at > 1 -> at--; assert((beginning(node[master], at) & 7) != i)
    :: else -> break
    od;
    i++
  :: else -> break
  od;
  i = 0; at = 0
}

/* --- Nodes ---------------------------------------------------------------------------------- */

#define has_replica(n) (n == master && linked)
#define can_write(n) (n < PAST && (n == master || !linked) && \
                      (!has_replica(n) || len(stream) < LAG))

inline replicate(n) {
  if
  :: has_replica(n) -> stream!node[n].epoch, node[n].offset, node[n].history
  :: else
  fi
}

/* Only to have fewer states. */
inline forget_the_past() {
  if
  :: subscription[0] != PAST && subscription[1] != PAST -> copy(node[PAST], node[NOWHERE])
  :: else
  fi
}

proctype Nodes() {
end:
  do
  :: d_step { len(stream) > 0 ->
       stream?node[other(master)].epoch, node[other(master)].offset, node[other(master)].history }
  /* The replica becomes the master. */
  :: d_step { failovers > 0 && linked ->
       failovers--;
       do
       :: len(stream) > 0 -> stream?_, _, _
       :: else -> break
       od;
       linked = false; master = other(master);
       lost = lost || board[0].epoch > node[master].epoch || !holds(node[master], board[0]) ||
              board[1].epoch > node[master].epoch || !holds(node[master], board[1]);
       check_promises() }
  /* The old master becomes its replica; what it has published may still be under way. */
  :: d_step { !linked ->
       copy(node[PAST], node[other(master)]);
       copy(node[other(master)], node[master]);
       linked = true;
       i = 0;
       do
       :: i < BACKENDS ->
         if
         :: connection[i] == other(master) -> connection[i] = NOWHERE
         :: else
         fi;
         if
         :: subscription[i] == other(master) -> subscription[i] = PAST
         :: else
         fi;
         i++
       :: else -> break
       od;
       i = 0;
       forget_the_past() }
  od
}

/* --- Backends ------------------------------------------------------------------------------- */

#define here node[connection[me]]
#define mine board[me]
#define loaded(me) (mine.epoch != 0)
#define follows(j) (loaded(me) && mine.epoch == j.epoch && mine.offset < j.offset && \
                    seems_to_hold(j, mine))

/* A board is replaced only together with its epoch: so whoever looks at it learns of it. */
inline load(me) {
  assert(mine.epoch < here.epoch);
  copy(mine, here);
  lost = lost || connection[me] != master;
  doubt[me] = false
}

/* One call decides; asked again, it knows the operation. */
inline decide(me) {
  find(here, doing);
#ifdef NO_DEDUPE
  at = 0;
#endif
  told = at; at = 0;
  written = here.offset;
  if
  :: told == 0 ->
    here.offset++;
    here.history = here.history << 3 | doing;
    told = here.offset; written = told;
    replicate(connection[me])
  :: else
#ifdef NO_BEAT /* A call that accepts nothing writes nothing: WAIT has nothing to wait for. */
    -> written = 0
#endif
  fi;
  check_promises()
}

/* What is compared when nothing has made the backend doubt: the log that it reads, if it goes on;
   twice a second the position; and what it is answered. */
#ifdef NO_DIGEST_IN_PROBES
#define notices(me) (mine.offset != here.offset || doing != 0)
#else
#define notices(me) true
#endif

proctype Backend(byte me) {
  byte doing = 0;   /* the operation that is under way */
  byte told = 0;    /* its offset, once the journal has said */
  byte written = 0; /* what a replica must have before it is acknowledged */

end:
  do
  /* Sooner or later everyone finds the master. */
  :: d_step { connection[me] != master ->
       connection[me] = master; told = 0; written = 0; doubt[me] = loaded(me) }
  :: d_step { subscription[me] != master -> subscription[me] = master; forget_the_past() }

  /* Following: what is published, entry by entry; all that the log has; another epoch. */
  :: d_step { follows(node[subscription[me]]) ->
       mine.offset++; mine.history = beginning(node[subscription[me]], mine.offset);
       lost = lost || subscription[me] != master }
  :: d_step { follows(here) ->
       mine.offset = here.offset; mine.history = here.history;
       lost = lost || connection[me] != master }
  :: d_step { here.epoch > mine.epoch -> load(me) }

#ifdef NO_EPOCH_CHECK /* Who compares nothing reads on from the same offset. */
  :: d_step { doubt[me] -> doubt[me] = false }
  :: d_step { loaded(me) && here.epoch == mine.epoch && mine.offset < here.offset ->
       mine.offset++;
       mine.history = mine.history << 3 | (beginning(here, mine.offset) & 7) }
#else
  /* Does the journal still hold what is on the board? Otherwise the epoch ends. */
  :: d_step { loaded(me) && can_write(connection[me]) &&
       (here.epoch < mine.epoch ||
        (here.epoch == mine.epoch &&
         (doubt[me] || (!seems_to_hold(here, mine) && notices(me))))) ->
       if
       :: here.epoch == mine.epoch && seems_to_hold(here, mine)
       :: else ->
         assert(lost || connection[me] != master); /* never without need */
         here.epoch = mine.epoch + 1;
         replicate(connection[me]);
         load(me)
       fi;
       doubt[me] = false }
#endif

  /* Operations, one at a time. */
  :: d_step { doing == 0 && loaded(me) && !doubt[me] && want(me, 0) != 0 ->
       doing = operation(0, want(me, 0)); want(me, 0) = 0 }
#if CLIENTS > 1
  :: d_step { doing == 0 && loaded(me) && !doubt[me] && want(me, 1) != 0 ->
       doing = operation(1, want(me, 1)); want(me, 1) = 0 }
#endif
  :: d_step { doing != 0 && told == 0 && can_write(connection[me]) -> decide(me) }
  /* The connection breaks before the answer: the outcome is unknown, until asked again. */
  :: d_step { lost_replies > 0 && doing != 0 && told == 0 && can_write(connection[me]) ->
       decide(me);
       lost_replies--; connection[me] = NOWHERE; told = 0; written = 0 }

  /* WAIT. Where nobody confirms it, the same is asked again after connecting to the master. And
     the board has the entry before the client has the answer. */
  :: d_step { told != 0 && connection[me] != NOWHERE &&
#ifndef NO_WAIT
       has_replica(connection[me]) && node[other(master)].offset >= written &&
#endif
       (mine.offset >= told || mine.epoch != here.epoch) ->
       assert(answered[doing] == 0 || answered[doing] == told);
       answered[doing] = told;
       doing = 0; told = 0; written = 0;
       check_promises() }

  /* Killed and started again: it knows nothing. */
  :: d_step { crashes > 0 && me == 1 ->
       crashes--;
       doing = 0; told = 0; written = 0;
       connection[me] = NOWHERE; subscription[me] = NOWHERE; doubt[me] = false;
       forget_the_past();
       copy(mine, node[NOWHERE]);
       i = 0;
       do
       :: i < CLIENTS -> want(me, i) = 0; dropped[i] = dropped[i] || asked[i] == me; i++
       :: else -> break
       od;
       i = 0 }
  od
}

/* --- Clients -------------------------------------------------------------------------------- */

#define waits(me) (asked[me] != NOWHERE && answered[operation(me, sequence)] == 0)

proctype Client(byte me) {
  byte sequence = 1;

  do
  :: d_step { sequence <= SEQUENCES && asked[me] == NOWHERE ->
       asked[me] = 0; want(0, me) = sequence }
  /* When the backends are alike, the first is the one that the first client asks. */
  :: d_step { sequence <= SEQUENCES && asked[me] == NOWHERE && (CRASHES > 0 || me > 0) ->
       asked[me] = 1; want(1, me) = sequence }
  :: d_step { asked[me] != NOWHERE && answered[operation(me, sequence)] != 0 ->
       asked[me] = NOWHERE; dropped[me] = false; sequence++ }
  /* Its backend is gone, or takes too long: the same again, of the other. */
  :: d_step { waits(me) && (dropped[me] || impatience > 0) ->
       if
       :: dropped[me] -> dropped[me] = false
       :: else -> impatience--
       fi;
       asked[me] = other(asked[me]); want(asked[me], me) = sequence }
#ifdef LEAVING
  :: d_step { waits(me) && dropped[me] -> left[me] = true; dropped[me] = false } -> break
#endif
  :: sequence > SEQUENCES -> break
  od
}

init {
  atomic {
    node[0].epoch = 1; node[1].epoch = 1; board[0].epoch = 1; board[1].epoch = 1;
    run Nodes();
    run Backend(0); run Backend(1);
    run Client(0);
#if CLIENTS > 1
    run Client(1)
#endif
  }
  /* When nothing more can happen: all were answered, and everyone shows the same. */
  timeout;
  d_step {
    i = 1;
    do
    :: i <= CLIENTS * SEQUENCES -> assert(answered[i] != 0 || left[(i - 1) / SEQUENCES]); i++
    :: else -> break
    od;
    i = 0;
    assert(board[0].epoch == node[master].epoch && board[0].history == node[master].history);
    assert(board[1].epoch == node[master].epoch && board[1].history == node[master].history) }
}
