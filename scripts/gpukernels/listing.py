"""Disassembled kernels: basic blocks, loops, and the instruction mix of the loop that does the work."""
import collections


class Instruction:
    """One instruction. `target`: the label that a branch goes to; `falls`: whether the next instruction may follow."""

    __slots__ = ("op", "text", "target", "falls")

    def __init__(self, op, text, target=None, falls=True):
        self.op, self.text, self.target, self.falls = op, text, target, falls


class Loop:
    """A natural loop: its blocks, and how often it runs (None where that depends on the kernel's arguments)."""

    def __init__(self, header, blocks, latches):
        self.header, self.blocks, self.latches, self.trips = header, blocks, latches, None


class Listing:
    """Instructions and labels of one kernel in order of address, cut into basic blocks."""

    def __init__(self, items):
        """items: Instruction or str, a label."""
        self.instructions, labels, starts = [], {}, {0}
        for item in items:
            if isinstance(item, str):
                labels[item] = len(self.instructions)
                starts.add(len(self.instructions))
            else:
                self.instructions.append(item)
                if item.target or not item.falls:
                    starts.add(len(self.instructions))
        begins = sorted(start for start in starts if start < len(self.instructions))
        self.ranges = list(zip(begins, begins[1:] + [len(self.instructions)]))
        block_at = {begin: i for i, begin in enumerate(begins)}
        self.following = []
        for i, (_, end) in enumerate(self.ranges):
            last, after = self.instructions[end - 1], []
            if last.target and labels.get(last.target) in block_at:
                after.append(block_at[labels[last.target]])
            if last.falls and i + 1 < len(self.ranges):
                after.append(i + 1)
            self.following.append(after)

    def block(self, i):
        begin, end = self.ranges[i]
        return self.instructions[begin:end]

    def _dominators(self):
        before = collections.defaultdict(list)
        for i, after in enumerate(self.following):
            for j in after:
                before[j].append(i)
        reachable, stack = {0}, [0]
        while stack:
            for j in self.following[stack.pop()]:
                if j not in reachable:
                    reachable.add(j)
                    stack.append(j)
        dominators = {i: set(reachable) for i in reachable}
        dominators[0] = {0}
        changed = True
        while changed:
            changed = False
            for i in sorted(reachable - {0}):
                new = set.intersection(*(dominators[j] for j in before[i] if j in reachable)) | {i}
                if new != dominators[i]:
                    dominators[i], changed = new, True
        return dominators, before

    def loops(self):
        """All natural loops; those with one header are one."""
        if not self.ranges:
            return []
        dominators, before = self._dominators()
        found = {}
        for i in dominators:
            for header in self.following[i]:
                if header not in dominators[i]:
                    continue
                loop = found.setdefault(header, Loop(header, {header}, []))
                loop.latches.append(i)
                stack = [i]
                while stack:
                    j = stack.pop()
                    if j not in loop.blocks:
                        loop.blocks.add(j)
                        stack += [k for k in before[j] if k in dominators]
        return list(found.values())


def count_trips(listing, loop, isa):
    """How often the loop runs, from its counter: compared with a constant at its end, begun and stepped by constants."""
    if len(loop.latches) != 1:
        return None
    steps, inside = {}, set()
    for i in loop.blocks:
        for instruction in listing.block(i):
            inside.add(instruction)
            step = isa.step(instruction)
            if step:
                steps[step[0]] = steps.get(step[0], 0) + step[1]
    for instruction in reversed(listing.block(loop.latches[0])):
        compared = isa.compare(instruction)
        if not compared or not steps.get(compared[0]):
            continue
        counter, limit = compared
        begin = None
        for earlier in listing.instructions[: listing.ranges[loop.header][0]]:
            start = isa.constant(earlier) if earlier not in inside else None
            if start and start[0] == counter:
                begin = start[1]
        if begin is None:
            return None
        trips, rest = divmod(limit - begin, steps[counter])
        return trips if rest == 0 and 0 < trips <= 4096 else None
    return None


def tile_loop(listing, isa):
    """Counts one run of the innermost loop whose length depends on the kernel's arguments and that multiplies most.

    Loops of constant length count as part of the loop around them, as often as they run. Every branch counts as taken
    into the loop: a step that loads nothing, or meets an edge, is shorter. None where no loop multiplies."""
    loops = listing.loops()
    for loop in loops:
        loop.trips = count_trips(listing, loop, isa)
    best = None
    for loop in loops:
        inner = [other for other in loops if other.blocks < loop.blocks]
        if loop.trips is not None or any(other.trips is None for other in inner):
            continue
        total = collections.Counter()
        for i in loop.blocks:
            times = 1
            for other in inner:
                times *= other.trips if i in other.blocks else 1
            for instruction in listing.block(i):
                for kind, number in isa.classify(instruction).items():
                    total[kind] += number * times
        work = total["fma"] + 256 * total["matrix"]
        if work and (best is None or work > best[0]):
            best = (work, total)
    return best and best[1]


def mix(instructions, isa):
    """Counts the instructions by kind, each once."""
    total = collections.Counter()
    for instruction in instructions:
        total.update(isa.classify(instruction))
    return total
