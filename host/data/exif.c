/* Reads one tag and skips everything else: thumbnails, makers' notes, other directories. */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

#include "util.h"

enum {
    TIFF_HEADER = 8, /* byte order, 42, offset of the first directory */
    ENTRY = 12,      /* tag, type, count, value */
    TAG_ORIENTATION = 0x0112,
    MOST = 8, /* the largest orientation */
};

typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} tiff;

/* `count` bytes at `offset`, which are inside. */
static uint32_t read_number(const tiff *t, size_t offset, size_t count)
{
    uint32_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | t->bytes[offset + (t->big_endian ? i : count - 1 - i)];
    return number;
}

/* The value of an entry that holds one whole number; 0 for others. */
static uint32_t entry_value(const tiff *t, size_t entry)
{
    static const size_t sizes[] = {[1] = 1, [3] = 2, [4] = 4}; /* of TIFF's BYTE, SHORT and LONG */
    const uint32_t type = read_number(t, entry + 2, 2), count = read_number(t, entry + 4, 4);
    return type < COUNT(sizes) && sizes[type] && count == 1 ? read_number(t, entry + 8, sizes[type]) : 0;
}

int rncl_exif_orientation(const uint8_t *exif, size_t size)
{
    static const uint8_t prefix[6] = "Exif\0";
    tiff t = {.bytes = exif, .size = size};
    while (t.size >= sizeof prefix && !memcmp(t.bytes, prefix, sizeof prefix)) {
        t.bytes += sizeof prefix;
        t.size -= sizeof prefix;
    }
    if (t.size < TIFF_HEADER || (memcmp(t.bytes, "II*\0", 4) != 0 && memcmp(t.bytes, "MM\0*", 4) != 0))
        return 0;
    t.big_endian = t.bytes[0] == 'M';
    const size_t directory = read_number(&t, 4, 4);
    if (directory > t.size - 2)
        return 0;
    const size_t entries = read_number(&t, directory, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t entry = directory + 2 + i * ENTRY;
        if (entry + ENTRY > t.size)
            return 0;
        if (read_number(&t, entry, 2) == TAG_ORIENTATION) {
            const uint32_t value = entry_value(&t, entry);
            return value <= MOST ? (int)value : 0;
        }
    }
    return 0;
}

int rncl_xmp_orientation(const uint8_t *xmp, size_t size)
{
    static const char name[] = "tiff:Orientation";
    const uint8_t *end = xmp + size;
    for (const uint8_t *at = xmp; at < end; at++) {
        at = memmem(at, (size_t)(end - at), name, sizeof name - 1);
        if (!at)
            return 0;
        const uint8_t *value = at + sizeof name - 1; /* ="6", or >6< */
        if (end - value >= 3 && value[0] == '=' && value[1] == '"')
            value += 2;
        else if (end - value >= 2 && value[0] == '>')
            value++;
        else
            continue;
        if (*value >= '0' && *value <= '0' + MOST)
            return *value - '0';
    }
    return 0;
}
