"""Disassembled kernels: basic blocks, loops, and the instruction mix of the loop that does the work."""
import collections


class Instruction:
    """One instruction. `target`: the label that a branch goes to; `falls`: whether the next instruction may follow."""

    __slots__ = ("op", "text", "target", "falls")

    def __init__(self, op, text, target=None, falls=True):
        self.op, self.text, self.target, self.falls = op, text, target, falls


class Loop:
    """A natural loop: its blocks, and how often it runs (None where that depends on the kernel's arguments)."""

    def __init__(self, header):
        self.header, self.blocks, self.trips = header, {header}, None


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
                loop = found.setdefault(header, Loop(header))
                stack = [i]
                while stack:
                    j = stack.pop()
                    if j not in loop.blocks:
                        loop.blocks.add(j)
                        stack += [k for k in before[j] if k in dominators]
        return list(found.values())


def count_trips(listing, loop, isa):
    """How often the loop runs, from a counter that begins, steps and is compared at an exit by constants; else None.

    The compared register may be the counter plus a constant."""
    steps, sums, limits, inside = {}, {}, {}, set()
    for i in sorted(loop.blocks):
        exits = any(j not in loop.blocks for j in listing.following[i])
        for instruction in listing.block(i):
            inside.add(instruction)
            if added := isa.add(instruction):
                to, source, constant = added
                if to == source:
                    # What is added to more than once is a register of many uses.
                    steps[to] = 0 if to in steps else constant
                else:
                    sums[to] = (source, constant)
            if exits and (compared := isa.compare(instruction)):
                register, limit = compared
                counter, ahead = sums.get(register, (register, 0)) if register not in steps else (register, 0)
                # A counter that is compared before it steps makes one round more.
                limits[counter] = (limit - ahead, counter not in steps)
    for counter, (limit, more) in limits.items():
        if not steps.get(counter) or counter in sums:  # in both: a register of many uses
            continue
        begin = None
        for earlier in listing.instructions[: listing.ranges[loop.header][0]]:
            start = isa.constant(earlier) if earlier not in inside else None
            if start and start[0] == counter:
                begin = start[1]
        if begin is not None:
            trips = -((begin - limit) // steps[counter]) + more
            if 0 < trips <= 4096:
                return trips
    return None


def _multiplies(listing, loop, isa):
    return any(kind in isa.classify(instruction) for i in loop.blocks for instruction in listing.block(i) for kind in ("fma", "matrix"))


def tile_loop(listing, isa):
    """Counts one run of the innermost loop whose length depends on the kernel's arguments and that multiplies most.

    Loops of constant length count as part of the loop around them, as often as they run; other loops in it, which do not
    multiply, once. Every branch counts as taken into the loop: a step that loads nothing, or meets an edge, is shorter. `code`:
    instructions, each once. None where no loop multiplies."""
    loops = listing.loops()
    for loop in loops:
        loop.trips = count_trips(listing, loop, isa)
    best = None
    for loop in loops:
        inner = [other for other in loops if other.blocks < loop.blocks]
        if loop.trips is not None or any(other.trips is None and _multiplies(listing, other, isa) for other in inner):
            continue
        total = collections.Counter()
        for i in loop.blocks:
            times = 1
            for other in inner:
                times *= (other.trips or 1) if i in other.blocks else 1
            for instruction in listing.block(i):
                kinds = isa.classify(instruction)
                total["code"] += kinds.get("all", 0)
                for kind, number in kinds.items():
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
