/* PyTorch's files since 1.6: a zip archive of the pickled state dict, data.pkl, and an entry for each
 * storage. */
#include <stdlib.h>
#include <string.h>

#include "pth.h"
#include "util.h"
#include "zip.h"

typedef struct archive {
    rncl_pth pth;
    rncl_zip zip;
    rncl_pickle_text folder; /* of all entries, with its slash */
} archive;

/* An entry of the archive, unpacked if need be. */
static rncl_status read_entry(archive *r, const rncl_zip_entry *entry, rncl_contents *data)
{
    RNCL_TRY(rncl_zip_locate(&r->zip, entry, data));
    if (!entry->crc32 && data->size_bytes)
        r->pth.file->has_checksum = false;
    if (data->data)
        return RNCL_OK;
    unsigned char *unpacked = rncl_tensor_file_allocate(r->pth.file, data->size_bytes);
    if (!unpacked)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to unpack it", r->pth.path);
    data->data = unpacked;
    return rncl_zip_unpack(&r->zip, entry, unpacked);
}

static const rncl_zip_entry *find_entry(const archive *r, const char *name)
{
    return rncl_zip_find(&r->zip, r->folder.characters, r->folder.length, name, strlen(name));
}

/* Finds the elements of a storage in its entry. */
static rncl_status open_storage(rncl_pth *pth, rncl_pth_storage *storage)
{
    archive *r = pth->user;
    char name[sizeof "data/" + RNCL_PTH_MOST_KEY_BYTES] = "data/";
    if (storage->data)
        return RNCL_OK;
    memcpy(name + strlen(name), storage->key.characters, storage->key.length);
    const char *shown = rncl_text_is_plain(name) ? name : "data";
    const rncl_zip_entry *entry = find_entry(r, name);
    if (!entry)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: the archive has no %s", pth->path, shown);
    rncl_contents data;
    RNCL_TRY(read_entry(r, entry, &data));
    const size_t size_bytes = storage->count * rncl_dtype_bytes(storage->dtype);
    if (data.size_bytes != size_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: its entry %s has %zu bytes, its tensors ask for %zu",
                         pth->path, shown, data.size_bytes, size_bytes);
    storage->data = data.data;
    return RNCL_OK;
}

/* All entries lie in one folder, of any name; data.pkl is directly in it. */
static rncl_status find_folder(archive *r)
{
    static const char suffix[] = "/data.pkl";
    const size_t length = sizeof suffix - 1;
    for (size_t i = 0; i < r->zip.count; i++) {
        const rncl_zip_entry *entry = &r->zip.entries[i];
        const size_t folder = entry->name_length < length ? 0 : entry->name_length - length + 1;
        if (folder && memcmp(entry->name + folder - 1, suffix, length) == 0) {
            r->folder = (rncl_pickle_text){entry->name, folder};
            return RNCL_OK;
        }
    }
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a zip archive, but not one of torch.save: it has no data.pkl",
                     r->pth.path);
}

static rncl_status check_archive(archive *r)
{
    if (find_entry(r, "constants.pkl"))
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: a TorchScript program, not weights: torch.save(torch.jit.load(FILE).state_dict(), …) "
            "gives those",
            r->pth.path);
    const rncl_zip_entry *order = find_entry(r, "byteorder");
    if (!order)
        return RNCL_OK;
    rncl_contents word;
    RNCL_TRY(read_entry(r, order, &word));
    const bool little =
        word.size_bytes == strlen("little") && memcmp(word.data, "little", word.size_bytes) == 0;
    return little ? RNCL_OK : rncl_pth_big_endian(&r->pth);
}

static rncl_status read_all(archive *r, rncl_contents bytes)
{
    RNCL_TRY(rncl_zip_open(r->pth.path, bytes, &r->zip));
    r->pth.file->has_checksum = true; /* of each entry, unless one has none */
    RNCL_TRY(find_folder(r));
    RNCL_TRY(check_archive(r));
    rncl_contents pickled;
    size_t size_bytes;
    RNCL_TRY(read_entry(r, find_entry(r, "data.pkl"), &pickled));
    RNCL_TRY(rncl_pth_read_pickle(&r->pth, pickled, &size_bytes));
    return rncl_pth_read_tensors(&r->pth);
}

static rncl_status read_file(const char *path, rncl_contents bytes, rncl_tensor_file *file)
{
    archive r = {.pth = {.path = path, .file = file, .open_storage = open_storage}};
    r.pth.user = &r;
    const rncl_status st = read_all(&r, bytes);
    rncl_pth_fini(&r.pth);
    rncl_zip_close(&r.zip);
    return st;
}

const rncl_tensor_format rncl_format_pth_zip = {rncl_zip_recognises, read_file, NULL};
