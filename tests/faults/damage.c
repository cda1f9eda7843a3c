/* Kinds of damage. */
#include "damage.h"

#include <string.h>

#include "util.h"

uint32_t damage_draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33) % below;
}

static void flip_bits(uint64_t *random, unsigned char *bytes, size_t within)
{
    const uint32_t count = 1 + damage_draw(random, 4);
    for (uint32_t i = 0; i < count; i++)
        bytes[damage_draw(random, (uint32_t)within)] ^= (unsigned char)(1u << damage_draw(random, 8));
}

/* A lost block: replaced by zeros or by another block. */
static void lose_block(uint64_t *random, unsigned char *bytes, size_t size, size_t within, bool zeros)
{
    const size_t at = damage_draw(random, (uint32_t)within);
    const size_t wanted = 1 + damage_draw(random, 4096), length = MIN(wanted, within - at);
    if (zeros)
        memset(bytes + at, 0, length);
    else
        memmove(bytes + at, bytes + damage_draw(random, (uint32_t)(size - length + 1)), length);
}

/* Missing bytes: the bytes after them move up. */
static size_t drop_bytes(uint64_t *random, unsigned char *bytes, size_t size, size_t within)
{
    const size_t at = damage_draw(random, (uint32_t)within);
    const size_t wanted = 1 + damage_draw(random, 8), length = MIN(wanted, size - at);
    memmove(bytes + at, bytes + at + length, size - at - length);
    return size - length;
}

size_t damage_do(uint64_t *random, unsigned char *bytes, size_t size, size_t within)
{
    const uint64_t before = rncl_hash(RNCL_HASH_START, bytes, size);
    for (;;) {
        size_t left = size;
        switch (damage_draw(random, 5)) {
        case 0:
            flip_bits(random, bytes, within);
            break;
        case 1:
            lose_block(random, bytes, size, within, true);
            break;
        case 2:
            lose_block(random, bytes, size, within, false);
            break;
        case 3:
            left = drop_bytes(random, bytes, size, within);
            break;
        default:
            left = damage_draw(random, (uint32_t)within);
        }
        if (left != size || rncl_hash(RNCL_HASH_START, bytes, size) != before)
            return left;
    }
}
