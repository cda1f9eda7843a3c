/* Zip archives, as far as PyTorch writes them (APPNOTE.TXT of PKWARE, sections 4.3 to 4.5). */
#include "zip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util.h"

enum {
    STORED = 0,
    DEFLATED = 8,
    ENCRYPTED_FLAG = 1,
    LOCAL_BYTES = 30,     /* of a local header, without name and extra field */
    DIRECTORY_BYTES = 46, /* of an entry of the directory, likewise */
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    MOST_COMMENT_BYTES = 65535,
    /* Weights hardly become smaller when deflated; what unpacks to more than this is an attack. */
    MOST_UNPACKED_RATIO = 16,
    MOST_UNPACKED_BYTES = 64 << 20, /* on top, for small files */
};

#define LOCAL_SIGNATURE UINT32_C(0x04034b50)
#define DIRECTORY_SIGNATURE UINT32_C(0x02014b50)
#define END_SIGNATURE UINT32_C(0x06054b50)
#define END64_SIGNATURE UINT32_C(0x06064b50)
#define LOCATOR64_SIGNATURE UINT32_C(0x07064b50)

static uint64_t number(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

static bool has_signature(const unsigned char *bytes, uint32_t signature)
{
    return number(bytes, 4) == signature;
}

/* Whether `size` bytes from `begin` lie inside. */
static bool contains(rncl_contents bytes, uint64_t begin, uint64_t size)
{
    return begin <= bytes.size_bytes && size <= bytes.size_bytes - begin;
}

bool rncl_zip_recognises(rncl_contents bytes)
{
    return bytes.size_bytes >= 4 && has_signature(bytes.data, LOCAL_SIGNATURE);
}

static rncl_status damaged(const rncl_zip *zip, const char *what)
{
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a damaged or incomplete zip archive: %s; copy the file again",
                     zip->path, what);
}

static rncl_status bad_entry(const rncl_zip *zip, const rncl_zip_entry *entry, const char *what)
{
    char name[64] = "?";
    if (entry->name_length < sizeof name && !memchr(entry->name, '\0', entry->name_length)) {
        memcpy(name, entry->name, entry->name_length);
        name[entry->name_length] = '\0';
    }
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its entry %s %s", zip->path, rncl_text_is_plain(name) ? name : "?",
                     what);
}

/* ---- the directory ---- */

typedef struct directory {
    uint64_t begin, size_bytes, entries;
} directory;

/* The record at the end, before a comment that is usually empty; NULL if there is none. */
static const unsigned char *find_end(rncl_contents bytes)
{
    for (size_t comment = 0; comment <= MOST_COMMENT_BYTES; comment++) {
        if (bytes.size_bytes < END_BYTES + comment)
            return NULL;
        const unsigned char *end = bytes.data + bytes.size_bytes - END_BYTES - comment;
        if (has_signature(end, END_SIGNATURE) && number(end + 20, 2) == comment)
            return end;
    }
    return NULL;
}

static rncl_status find_directory(const rncl_zip *zip, directory *out)
{
    const unsigned char *end = find_end(zip->bytes);
    if (!end)
        return damaged(zip, "its directory is missing");
    *out = (directory){
        .entries = number(end + 10, 2), .size_bytes = number(end + 12, 4), .begin = number(end + 16, 4)};
    const size_t before = (size_t)(end - zip->bytes.data);
    const unsigned char *locator = before < LOCATOR64_BYTES ? NULL : end - LOCATOR64_BYTES;
    if (locator && has_signature(locator, LOCATOR64_SIGNATURE)) {
        const uint64_t end64 = number(locator + 8, 8);
        if (!contains(zip->bytes, end64, END64_BYTES) ||
            !has_signature(zip->bytes.data + end64, END64_SIGNATURE))
            return damaged(zip, "its 64-bit directory is missing");
        *out = (directory){.entries = number(zip->bytes.data + end64 + 32, 8),
                           .size_bytes = number(zip->bytes.data + end64 + 40, 8),
                           .begin = number(zip->bytes.data + end64 + 48, 8)};
    }
    if (!contains(zip->bytes, out->begin, out->size_bytes) ||
        out->entries > out->size_bytes / DIRECTORY_BYTES)
        return damaged(zip, "its directory is longer than the file");
    return RNCL_OK;
}

/* Numbers that do not fit into 32 bits stand, in this order, in the extra field of zip64. */
static bool read_extra64(const unsigned char *extra, size_t size_bytes, rncl_zip_entry *entry)
{
    uint64_t *const wide[] = {&entry->size_bytes, &entry->packed_bytes, &entry->header};
    while (size_bytes >= 4) {
        const size_t id = (size_t)number(extra, 2), length = (size_t)number(extra + 2, 2);
        if (length > size_bytes - 4)
            return false;
        if (id == 1) {
            size_t used = 0;
            for (size_t i = 0; i < COUNT(wide); i++) {
                if (*wide[i] != UINT32_MAX)
                    continue;
                if (length - used < 8)
                    return false;
                *wide[i] = number(extra + 4 + used, 8);
                used += 8;
            }
            return true;
        }
        extra += 4 + length;
        size_bytes -= 4 + length;
    }
    return entry->size_bytes != UINT32_MAX && entry->packed_bytes != UINT32_MAX &&
           entry->header != UINT32_MAX;
}

/* One entry of the directory at *position, which moves on. */
static rncl_status read_entry(const rncl_zip *zip, rncl_contents list, size_t *position,
                              rncl_zip_entry *entry)
{
    const unsigned char *bytes = list.data + *position;
    if (!contains(list, *position, DIRECTORY_BYTES) || !has_signature(bytes, DIRECTORY_SIGNATURE))
        return damaged(zip, "its directory ends too early");
    const size_t name = (size_t)number(bytes + 28, 2), extra = (size_t)number(bytes + 30, 2),
                 comment = (size_t)number(bytes + 32, 2);
    if (!contains(list, *position + DIRECTORY_BYTES, name + extra + comment))
        return damaged(zip, "its directory ends too early");
    *entry = (rncl_zip_entry){.name = (const char *)bytes + DIRECTORY_BYTES,
                              .name_length = name,
                              .flags = (unsigned)number(bytes + 8, 2),
                              .method = (unsigned)number(bytes + 10, 2),
                              .crc32 = (uint32_t)number(bytes + 16, 4),
                              .packed_bytes = number(bytes + 20, 4),
                              .size_bytes = number(bytes + 24, 4),
                              .header = number(bytes + 42, 4)};
    if (!read_extra64(bytes + DIRECTORY_BYTES + name, extra, entry))
        return bad_entry(zip, entry, "has a damaged extra field");
    *position += DIRECTORY_BYTES + name + extra + comment;
    return RNCL_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const rncl_zip_entry *left = a, *right = b;
    const int order = memcmp(left->name, right->name, MIN(left->name_length, right->name_length));
    if (order)
        return order;
    return left->name_length < right->name_length ? -1 : left->name_length > right->name_length;
}

static rncl_status read_entries(rncl_zip *zip, const directory *where)
{
    const rncl_contents list = {zip->bytes.data + where->begin, (size_t)where->size_bytes};
    zip->entries = calloc((size_t)where->entries + 1, sizeof *zip->entries);
    if (!zip->entries)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its directory", zip->path);
    size_t position = 0;
    while (zip->count < where->entries)
        RNCL_TRY(read_entry(zip, list, &position, &zip->entries[zip->count++]));
    qsort(zip->entries, zip->count, sizeof *zip->entries, compare_entries);
    for (size_t i = 1; i < zip->count; i++)
        if (compare_entries(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return bad_entry(zip, &zip->entries[i], "is there twice");
    return RNCL_OK;
}

rncl_status rncl_zip_open(const char *path, rncl_contents bytes, rncl_zip *out)
{
    *out = (rncl_zip){.path = path, .bytes = bytes};
    directory where;
    rncl_status st = find_directory(out, &where);
    if (!st)
        st = read_entries(out, &where);
    if (st)
        rncl_zip_close(out);
    return st;
}

void rncl_zip_close(rncl_zip *zip)
{
    free(zip->entries);
    *zip = (rncl_zip){0};
}

/* ---- entries ---- */

static int compare_with_name(const void *key, const void *element)
{
    const rncl_zip_entry *parts = key, *entry = element; /* parts: folder, name */
    rncl_zip_entry rest = *entry;
    rest.name_length = MIN(parts[0].name_length, entry->name_length);
    const int order = compare_entries(&parts[0], &rest);
    if (order)
        return order;
    rest.name = entry->name + rest.name_length;
    rest.name_length = entry->name_length - rest.name_length;
    return compare_entries(&parts[1], &rest);
}

const rncl_zip_entry *rncl_zip_find(const rncl_zip *zip, const char *folder, size_t folder_length,
                                    const char *name, size_t name_length)
{
    const rncl_zip_entry parts[] = {{.name = folder, .name_length = folder_length},
                                    {.name = name, .name_length = name_length}};
    return bsearch(parts, zip->entries, zip->count, sizeof *zip->entries, compare_with_name);
}

/* Where the packed bytes begin; the local header has lengths of its own. */
static rncl_status find_packed(const rncl_zip *zip, const rncl_zip_entry *entry, rncl_contents *packed)
{
    if (!contains(zip->bytes, entry->header, LOCAL_BYTES) ||
        !has_signature(zip->bytes.data + entry->header, LOCAL_SIGNATURE))
        return bad_entry(zip, entry, "has no header where it should be");
    const unsigned char *header = zip->bytes.data + entry->header;
    const uint64_t begin = entry->header + LOCAL_BYTES + number(header + 26, 2) + number(header + 28, 2);
    if (!contains(zip->bytes, begin, entry->packed_bytes))
        return bad_entry(zip, entry, "is cut short; copy the file again");
    *packed = (rncl_contents){zip->bytes.data + begin, (size_t)entry->packed_bytes};
    return RNCL_OK;
}

/* torch.serialization.set_crc32_options(False) leaves the CRC out. */
static rncl_status check_crc(const rncl_zip *zip, const rncl_zip_entry *entry, const unsigned char *data)
{
    if (entry->crc32 && crc32_z(0, data, (size_t)entry->size_bytes) != entry->crc32)
        return bad_entry(zip, entry, "is damaged: its checksum is another; copy the file again");
    return RNCL_OK;
}

rncl_status rncl_zip_locate(rncl_zip *zip, const rncl_zip_entry *entry, rncl_contents *data)
{
    if (entry->flags & ENCRYPTED_FLAG)
        return bad_entry(zip, entry, "is encrypted");
    if (entry->method != STORED && entry->method != DEFLATED)
        return bad_entry(zip, entry, "is packed in a way that rncl does not read; deflate it, or store it");
    rncl_contents packed;
    RNCL_TRY(find_packed(zip, entry, &packed));
    if (entry->method == STORED) {
        if (entry->size_bytes != entry->packed_bytes)
            return bad_entry(zip, entry, "has two sizes");
        *data = packed;
        return check_crc(zip, entry, packed.data);
    }
    const uint64_t most = (uint64_t)zip->bytes.size_bytes * MOST_UNPACKED_RATIO + MOST_UNPACKED_BYTES;
    if (entry->size_bytes > most - zip->unpacked_bytes)
        return bad_entry(zip, entry, "would unpack to far more than weights do");
    zip->unpacked_bytes += entry->size_bytes;
    *data = (rncl_contents){NULL, (size_t)entry->size_bytes};
    return RNCL_OK;
}

/* zlib counts in unsigned ints: larger data go through it in pieces. */
enum { PIECE_BYTES = 1 << 30 };

static bool inflate_all(rncl_contents packed, unsigned char *to, size_t size_bytes)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    size_t taken = 0, made = 0;
    int state = Z_OK;
    while (state == Z_OK) {
        const uInt in = (uInt)MIN(packed.size_bytes - taken, (size_t)PIECE_BYTES);
        const uInt out = (uInt)MIN(size_bytes - made, (size_t)PIECE_BYTES);
        stream.next_in = (unsigned char *)(uintptr_t)packed.data + taken; /* zlib only reads it */
        stream.avail_in = in;
        stream.next_out = to + made;
        stream.avail_out = out;
        state = inflate(&stream, Z_NO_FLUSH);
        taken += in - stream.avail_in;
        made += out - stream.avail_out;
    }
    inflateEnd(&stream);
    return state == Z_STREAM_END && made == size_bytes;
}

rncl_status rncl_zip_unpack(const rncl_zip *zip, const rncl_zip_entry *entry, unsigned char *to)
{
    rncl_contents packed;
    RNCL_TRY(find_packed(zip, entry, &packed));
    if (!inflate_all(packed, to, (size_t)entry->size_bytes))
        return bad_entry(zip, entry, "is damaged: it does not unpack; copy the file again");
    return check_crc(zip, entry, to);
}
