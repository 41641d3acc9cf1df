"""Many who press at once on several replicas of the counter, and the check of what became of it."""

import asyncio
import contextlib

import counter
import web
from waiting import eventually

REPLICAS, PLAIN, SURE = 3, 20, 20


class Crowd:
    """Who presses until told to stop: some just press, some repeat under one key until answered.
    Each of both has a counter of its own, which nobody has pressed before."""

    def __init__(self, replicas, suffix=""):
        ports = [replica.port for replica in replicas]
        self.names = [f"plain{suffix}", f"sure{suffix}"]
        self.plain = [counter.Presser(ports[n % REPLICAS], self.names[0]) for n in range(PLAIN)]
        self.sure = [counter.Presser(ports[n % REPLICAS], self.names[1]) for n in range(SURE)]
        self.surely = [[] for _ in self.sure]  # the values, one a key
        self.stopped = False

    async def press_while(self, disturb):
        """Presses as long as disturb(self) runs, in a thread."""
        people = [asyncio.create_task(self._press(person)) for person in self.plain]
        people += [asyncio.create_task(self._press_surely(number, person))
                   for number, person in enumerate(self.sure)]
        try:
            await asyncio.to_thread(disturb, self)
        finally:
            self.stopped = True
            await asyncio.gather(*people)

    async def _press(self, person):
        while not self.stopped:
            answer = None
            with contextlib.suppress(OSError):
                answer = await person.press()
            if answer is None or answer.status != 200:
                await asyncio.sleep(0.05)
        person.close()

    async def _press_surely(self, number, person):
        while not self.stopped:
            key = f"{number}-{len(self.surely[number])}"
            self.surely[number].append(await person.press_surely("increment", key))
        person.close()

    @property
    def counted(self):
        return sum(len(person.counted) for person in self.plain)

    def some_are_counted(self, more=200):
        wanted = self.counted + more
        eventually(lambda: self.counted >= wanted, f"{wanted} presses are counted")


def values(replicas, name):
    """What each replica shows, when all show the same."""
    def shown():
        return {web.get(replica.port, counter.path(name)).json()["value"] for replica in replicas}

    eventually(lambda: len(shown()) == 1, f"the replicas agree about {name}")
    return shown().pop()


def check(crowd, replicas):
    """Acknowledged at least, and no more than was asked; with keys exactly."""
    unknown = sum(person.unknown for person in crowd.plain)
    plain = [value for person in crowd.plain for value in person.values]
    assert len(set(plain)) == len(plain), "every increment gets a value of its own"
    shown = values(replicas, crowd.names[0])
    assert len(plain) <= shown <= len(plain) + unknown, f"{len(plain)} and {unknown} unknown"
    sure = [value for mine in crowd.surely for value in mine]
    assert sorted(sure) == list(range(1, len(sure) + 1)), "each once, without a gap"
    assert values(replicas, crowd.names[1]) == len(sure)
    print(f"{len(plain)} counted, {unknown} unknown, value {shown}; with keys {len(sure)}")


def press_through(replicas, disturb, suffix=""):
    crowd = Crowd(replicas, suffix)
    counter.run(crowd.press_while(disturb), 900)
    check(crowd, replicas)
