/* PyTorch's files before 1.6: a magic number, the version, facts of the machine, the state dict, the keys of
 * the storages, each a pickle, then each storage: its count in 8 bytes and its elements. */
#include <string.h>

#include "pth.h"
#include "util.h"

/* 0x1950a86a20f9469cfc6c, pickled by protocol 2. */
static const unsigned char magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { LEGACY_VERSION = 1001, COUNT_BYTES = 8 };

static bool recognises(rncl_contents bytes)
{
    return bytes.size_bytes >= sizeof magic && memcmp(bytes.data, magic, sizeof magic) == 0;
}

/* Reads a pickle and moves `rest` behind it. */
static rncl_status next_pickle(const rncl_pth *r, rncl_contents *rest, rncl_state_pickle *out)
{
    RNCL_TRY(rncl_state_pickle_read(r->path, *rest, rncl_pth_knows, out));
    rest->data += out->size_bytes;
    rest->size_bytes -= out->size_bytes;
    return RNCL_OK;
}

static rncl_status check_head(const rncl_pth *r, rncl_contents *rest)
{
    rncl_state_pickle version, machine;
    size_t number;
    RNCL_TRY(next_pickle(r, rest, &version));
    const bool known = rncl_state_pickle_size(version.value, &number) && number == LEGACY_VERSION;
    rncl_state_pickle_free(&version);
    if (!known)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a PyTorch file of a version that rncl does not know", r->path);
    RNCL_TRY(next_pickle(r, rest, &machine));
    const rncl_state_pickle_value *little = rncl_state_pickle_find(machine.value, "little_endian");
    const bool fits = little && little->kind == RNCL_STATE_PICKLE_BOOL && little->integer;
    rncl_state_pickle_free(&machine);
    return fits ? RNCL_OK : rncl_pth_big_endian(r);
}

/* The storages in the order of their keys; they are all that is left of the file. */
static rncl_status place_storages(const rncl_pth *r, const rncl_state_pickle_value *keys, rncl_contents rest)
{
    if (keys->kind != RNCL_STATE_PICKLE_LIST)
        return rncl_pth_bad_storage(r);
    for (const rncl_state_pickle_item *item = keys->items.first; item; item = item->next) {
        rncl_pth_storage *s =
            item->value->kind == RNCL_STATE_PICKLE_TEXT ? rncl_pth_find_storage(r, item->value->text) : NULL;
        if (!s)
            return rncl_pth_bad_storage(r);
        const size_t size_bytes = s->count * rncl_dtype_bytes(s->dtype);
        uint64_t count;
        if (rest.size_bytes < COUNT_BYTES || size_bytes > rest.size_bytes - COUNT_BYTES)
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: cut short; copy the file again", r->path);
        memcpy(&count, rest.data, sizeof count);
        if (count != s->count)
            return rncl_pth_bad_storage(r);
        s->data = rest.data + COUNT_BYTES;
        rest.data += COUNT_BYTES + size_bytes;
        rest.size_bytes -= COUNT_BYTES + size_bytes;
    }
    for (size_t i = 0; i < r->storage_count; i++)
        if (!r->storages[i].data)
            return rncl_pth_bad_storage(r);
    return RNCL_OK;
}

static rncl_status read_all(rncl_pth *r, rncl_contents bytes)
{
    rncl_contents rest = {bytes.data + sizeof magic, bytes.size_bytes - sizeof magic};
    size_t size_bytes;
    RNCL_TRY(check_head(r, &rest));
    RNCL_TRY(rncl_pth_read_pickle(r, rest, &size_bytes));
    rest.data += size_bytes;
    rest.size_bytes -= size_bytes;
    rncl_state_pickle keys;
    RNCL_TRY(next_pickle(r, &rest, &keys));
    const rncl_status st = place_storages(r, keys.value, rest);
    rncl_state_pickle_free(&keys);
    return st ? st : rncl_pth_read_tensors(r);
}

static rncl_status read_file(const char *path, rncl_contents bytes, rncl_tensor_file *file)
{
    rncl_pth pth = {.path = path, .file = file};
    const rncl_status st = read_all(&pth, bytes);
    rncl_pth_fini(&pth);
    return st;
}

const rncl_tensor_format rncl_format_pth_legacy = {recognises, read_file, NULL};
