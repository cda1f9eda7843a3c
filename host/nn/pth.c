/* PyTorch's own files (torch/serialization.py): a pickled state dict whose tensors are views of storages,
 * which are entries of a zip archive or, before PyTorch 1.6, follow the pickle. */
#include <stdlib.h>
#include <string.h>

#include "pickle.h"
#include "tensor_file.h"
#include "util.h"
#include "zip.h"

/* Elements of one type in a row, which tensors are views of. */
typedef struct storage {
    rncl_pickle_text key;
    rncl_dtype dtype;
    size_t count;
    const unsigned char *data; /* NULL: not yet looked for, or empty */
} storage;

typedef struct reader {
    const char *path;
    rncl_tensor_file *file;
    rncl_pickle pickle;
    storage *storages; /* by key */
    size_t storage_count;
    rncl_zip zip;            /* of the newer form */
    rncl_pickle_text folder; /* of all its entries, with its slash */
} reader;

static const struct {
    const char *storage; /* in the module torch */
    rncl_dtype dtype;
} storage_types[] = {
    {"DoubleStorage", RNCL_DTYPE_F64},    {"FloatStorage", RNCL_DTYPE_F32}, {"HalfStorage", RNCL_DTYPE_F16},
    {"BFloat16Storage", RNCL_DTYPE_BF16}, {"LongStorage", RNCL_DTYPE_I64},  {"IntStorage", RNCL_DTYPE_I32},
    {"ShortStorage", RNCL_DTYPE_I16},     {"CharStorage", RNCL_DTYPE_I8},   {"ByteStorage", RNCL_DTYPE_U8},
    {"BoolStorage", RNCL_DTYPE_BOOL},
};

/* Functions and classes that make a tensor; `shape` tells those whose arguments are storage, offset, sizes
 * and strides from those whose first argument is a tensor. */
static const struct {
    const char *module, *name;
    bool shape;
} tensor_makers[] = {
    {"torch._utils", "_rebuild_tensor_v2", true},
    {"torch._utils", "_rebuild_tensor", true},
    {"torch._utils", "_rebuild_parameter", false},
    {"torch.nn.parameter", "Parameter", false},
};

static bool find_dtype(rncl_pickle_text module, rncl_pickle_text name, rncl_dtype *dtype)
{
    for (size_t i = 0; i < COUNT(storage_types); i++) {
        if (rncl_pickle_text_is(module, "torch") && rncl_pickle_text_is(name, storage_types[i].storage)) {
            *dtype = storage_types[i].dtype;
            return true;
        }
    }
    return false;
}

static bool allows(rncl_pickle_text module, rncl_pickle_text name)
{
    rncl_dtype dtype;
    for (size_t i = 0; i < COUNT(tensor_makers); i++)
        if (rncl_pickle_text_is(module, tensor_makers[i].module) &&
            rncl_pickle_text_is(name, tensor_makers[i].name))
            return true;
    return find_dtype(module, name, &dtype) ||
           (rncl_pickle_text_is(module, "collections") && rncl_pickle_text_is(name, "OrderedDict")) ||
           (rncl_pickle_text_is(module, "torch") && rncl_pickle_text_is(name, "Size"));
}

/* ---- storages ---- */

static rncl_status bad_storage(const reader *r)
{
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: damaged: a storage of its tensors is described in no way that PyTorch has",
                     r->path);
}

/* ("storage", type, key, place, count), of old files with a sixth element that is None. */
static rncl_status describe_storage(const reader *r, const rncl_pickle_value *id, storage *out)
{
    const rncl_pickle_value *word = rncl_pickle_element(id, 0), *type = rncl_pickle_element(id, 1),
                            *key = rncl_pickle_element(id, 2), *view = rncl_pickle_element(id, 5);
    *out = (storage){0};
    if (!word || word->kind != RNCL_PICKLE_TEXT || !rncl_pickle_text_is(word->text, "storage") || !type ||
        type->kind != RNCL_PICKLE_GLOBAL ||
        !find_dtype(type->global.module, type->global.name, &out->dtype) || !key ||
        key->kind != RNCL_PICKLE_TEXT || !rncl_pickle_size(rncl_pickle_element(id, 4), &out->count))
        return bad_storage(r);
    size_t size_bytes;
    if (!rncl_size_multiply(out->count, rncl_dtype_bytes(out->dtype), &size_bytes))
        return bad_storage(r);
    if (view && view->kind != RNCL_PICKLE_NONE)
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: its storages are parts of others, as only very old PyTorch wrote them: load and save "
            "it with a newer one",
            r->path);
    out->key = key->text;
    return RNCL_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const rncl_pickle_text *left = &((const storage *)a)->key, *right = &((const storage *)b)->key;
    const int order = memcmp(left->characters, right->characters, MIN(left->length, right->length));
    if (order)
        return order;
    return left->length < right->length ? -1 : left->length > right->length;
}

/* Once each; the same storage is met as often as there are tensors that are views of it. */
static rncl_status list_storages(reader *r)
{
    size_t met = 0;
    for (const rncl_pickle_value *p = r->pickle.persistent; p; p = p->persistent.previous)
        met++;
    r->storages = calloc(met + 1, sizeof *r->storages);
    if (!r->storages)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of storages", r->path);
    size_t count = 0;
    for (const rncl_pickle_value *p = r->pickle.persistent; p; p = p->persistent.previous)
        RNCL_TRY(describe_storage(r, p->persistent.id, &r->storages[count++]));
    qsort(r->storages, count, sizeof *r->storages, compare_keys);
    for (size_t i = 0; i < count; i++) {
        storage *last = r->storage_count ? &r->storages[r->storage_count - 1] : NULL;
        if (!last || compare_keys(last, &r->storages[i]))
            r->storages[r->storage_count++] = r->storages[i];
        else if (last->dtype != r->storages[i].dtype || last->count != r->storages[i].count)
            return bad_storage(r);
    }
    return RNCL_OK;
}

static storage *find_storage(const reader *r, rncl_pickle_text key)
{
    const storage wanted = {.key = key};
    return bsearch(&wanted, r->storages, r->storage_count, sizeof wanted, compare_keys);
}

/* An entry of the archive, unpacked if need be. */
static rncl_status read_entry(reader *r, const rncl_zip_entry *entry, rncl_mapping *data)
{
    RNCL_TRY(rncl_zip_locate(&r->zip, entry, data));
    if (data->data)
        return RNCL_OK;
    unsigned char *unpacked = rncl_tensor_file_allocate(r->file, data->size_bytes);
    if (!unpacked)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to unpack it", r->path);
    data->data = unpacked;
    return rncl_zip_unpack(&r->zip, entry, unpacked);
}

static const rncl_zip_entry *find_entry(const reader *r, const char *name)
{
    return rncl_zip_find(&r->zip, r->folder.characters, r->folder.length, name, strlen(name));
}

/* Finds the elements of a storage that is an entry of the archive. */
static rncl_status open_storage(reader *r, storage *s)
{
    if (s->data || !r->zip.entries)
        return RNCL_OK;
    char name[64];
    if (s->key.length >= sizeof name - sizeof "data/")
        return bad_storage(r);
    memcpy(name, "data/", 5);
    memcpy(name + 5, s->key.characters, s->key.length);
    name[5 + s->key.length] = '\0';
    const rncl_zip_entry *entry = find_entry(r, name);
    if (!entry)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: the archive has no %s", r->path,
                         rncl_text_is_plain(name) ? name : "data");
    rncl_mapping data;
    RNCL_TRY(read_entry(r, entry, &data));
    if (data.size_bytes != s->count * rncl_dtype_bytes(s->dtype))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: its entry %s has %zu bytes, its tensors ask for %zu",
                         r->path, rncl_text_is_plain(name) ? name : "?", data.size_bytes,
                         s->count * rncl_dtype_bytes(s->dtype));
    s->data = data.data;
    return RNCL_OK;
}

/* ---- tensors ---- */

/* A name of the state dict with an end, as a string of the file. */
static rncl_status take_name(reader *r, const rncl_pickle_value *key, const char **out)
{
    if (key->kind != RNCL_PICKLE_TEXT)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its state dict has a key that is no text", r->path);
    char *name = rncl_tensor_file_allocate(r->file, key->text.length + 1);
    if (!name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its names", r->path);
    memcpy(name, key->text.characters, key->text.length);
    name[key->text.length] = '\0';
    if (strlen(name) != key->text.length || !rncl_text_is_plain(name))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a tensor's name has control characters in it", r->path);
    *out = name;
    return RNCL_OK;
}

/* The call that makes a tensor out of a storage; NULL if the value is no tensor. */
static const rncl_pickle_value *tensor_call(const rncl_pickle_value *value)
{
    for (int wrappers = 0; value && value->kind == RNCL_PICKLE_CALL && wrappers < 2; wrappers++) {
        const rncl_pickle_value *function = value->call.function;
        size_t i = 0;
        while (i < COUNT(tensor_makers) && !rncl_pickle_text_is(function->global.name, tensor_makers[i].name))
            i++;
        if (i == COUNT(tensor_makers))
            return NULL;
        if (tensor_makers[i].shape)
            return value;
        value = rncl_pickle_element(value->call.arguments, 0);
    }
    return NULL;
}

/* torch.Size((2, 3)) or (2, 3). */
static bool read_sizes(const rncl_pickle_value *value, int *rank, size_t sizes[RNCL_TENSOR_RANK])
{
    if (value && value->kind == RNCL_PICKLE_CALL)
        value = rncl_pickle_element(value->call.arguments, 0);
    if (!value || (value->kind != RNCL_PICKLE_TUPLE && value->kind != RNCL_PICKLE_LIST) ||
        value->items.count > RNCL_TENSOR_RANK)
        return false;
    *rank = 0;
    for (const rncl_pickle_item *item = value->items.first; item; item = item->next)
        if (!rncl_pickle_size(item->value, &sizes[(*rank)++]))
            return false;
    return true;
}

/* Whether all elements of the tensor, the first of them at `offset`, lie in a storage of so many. */
static bool lies_inside(const rncl_file_tensor *tensor, size_t offset, size_t count)
{
    size_t last = offset, size_bytes;
    if (!rncl_file_tensor_bytes(tensor, &size_bytes))
        return false;
    if (size_bytes == 0)
        return offset <= count;
    for (int i = 0; i < tensor->rank; i++) {
        size_t reach;
        if (!rncl_size_multiply(tensor->dims[i] - 1, tensor->strides[i], &reach) || reach > SIZE_MAX - last)
            return false;
        last += reach;
    }
    return last < count;
}

static rncl_status read_tensor(reader *r, const rncl_pickle_value *key, const rncl_pickle_value *value,
                               rncl_file_tensor *tensor)
{
    RNCL_TRY(take_name(r, key, &tensor->name));
    const rncl_pickle_value *made = tensor_call(value);
    if (!made)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: %s is no tensor; save the weights alone: torch.save(model.state_dict(), FILE)",
                         r->path, tensor->name);
    const rncl_pickle_value *arguments = made->call.arguments, *where = rncl_pickle_element(arguments, 0);
    size_t offset;
    int strides;
    if (!where || where->kind != RNCL_PICKLE_PERSISTENT ||
        !rncl_pickle_size(rncl_pickle_element(arguments, 1), &offset) ||
        !read_sizes(rncl_pickle_element(arguments, 2), &tensor->rank, tensor->dims) ||
        !read_sizes(rncl_pickle_element(arguments, 3), &strides, tensor->strides) || strides != tensor->rank)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %s has no storage, or a shape that rncl does not read",
                         r->path, tensor->name);
    storage *from = find_storage(r, rncl_pickle_element(where->persistent.id, 2)->text);
    tensor->dtype = from->dtype;
    if (!lies_inside(tensor, offset, from->count))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %s reaches beyond its storage", r->path, tensor->name);
    RNCL_TRY(open_storage(r, from));
    if (from->data)
        tensor->data = from->data + offset * rncl_dtype_bytes(from->dtype);
    return RNCL_OK;
}

/* ---- the state dict ---- */

/* Under which keys training scripts put it beside other things. */
static const char *const wrappers[] = {"state_dict", "model", "model_state_dict", "net", "network"};

static const rncl_pickle_value *find_state_dict(const rncl_pickle_value *value)
{
    for (size_t i = 0; i < COUNT(wrappers); i++) {
        const rncl_pickle_value *inside = rncl_pickle_find(value, wrappers[i]);
        if (inside && inside->kind == RNCL_PICKLE_DICT)
            return inside;
    }
    return value;
}

static rncl_status read_state_dict(reader *r)
{
    const rncl_pickle_value *dict = find_state_dict(r->pickle.value);
    if (dict->kind != RNCL_PICKLE_DICT || !dict->items.count)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: it holds no state dict: save one with torch.save(model.state_dict(), FILE)",
                         r->path);
    r->file->tensors = calloc(dict->items.count, sizeof *r->file->tensors);
    if (!r->file->tensors)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of tensors", r->path);
    for (const rncl_pickle_item *item = dict->items.first; item; item = item->next)
        RNCL_TRY(read_tensor(r, item->key, item->value, &r->file->tensors[r->file->count++]));
    return RNCL_OK;
}

static void close_reader(reader *r)
{
    free(r->storages);
    rncl_pickle_free(&r->pickle);
    rncl_zip_close(&r->zip);
}

/* ---- the archive ---- */

/* All entries lie in one folder, of any name; data.pkl is directly in it. */
static rncl_status find_folder(reader *r)
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
                     r->path);
}

static rncl_status check_archive(reader *r)
{
    if (find_entry(r, "constants.pkl"))
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: a TorchScript program, not weights: torch.save(torch.jit.load(FILE).state_dict(), …) "
            "gives those",
            r->path);
    const rncl_zip_entry *order = find_entry(r, "byteorder");
    if (!order)
        return RNCL_OK;
    rncl_mapping word;
    RNCL_TRY(read_entry(r, order, &word));
    if (!rncl_pickle_text_is((rncl_pickle_text){(const char *)word.data, word.size_bytes}, "little"))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: written on a big-endian machine: load and save it on another",
                         r->path);
    return RNCL_OK;
}

static rncl_status read_archive(reader *r, rncl_mapping bytes)
{
    RNCL_TRY(rncl_zip_open(r->path, bytes, &r->zip));
    RNCL_TRY(find_folder(r));
    RNCL_TRY(check_archive(r));
    rncl_mapping pickled;
    RNCL_TRY(read_entry(r, find_entry(r, "data.pkl"), &pickled));
    RNCL_TRY(rncl_pickle_read(r->path, pickled, allows, &r->pickle));
    RNCL_TRY(list_storages(r));
    return read_state_dict(r);
}

static rncl_status read_pth_zip(const char *path, rncl_mapping bytes, rncl_tensor_file *file)
{
    reader r = {.path = path, .file = file};
    const rncl_status st = read_archive(&r, bytes);
    close_reader(&r);
    return st;
}

const rncl_tensor_format rncl_format_pth_zip = {rncl_zip_recognises, read_pth_zip};

/* ---- before PyTorch 1.6: a magic number, the version, facts of the machine, the state dict, the keys of the
 * storages, each a pickle, then each storage: its count in 8 bytes and its elements ---- */

static const unsigned char magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { LEGACY_VERSION = 1001, COUNT_BYTES = 8 };

static bool recognises_legacy(rncl_mapping bytes)
{
    return bytes.size_bytes >= sizeof magic && memcmp(bytes.data, magic, sizeof magic) == 0;
}

/* Reads a pickle and moves `rest` behind it. */
static rncl_status next_pickle(const reader *r, rncl_mapping *rest, rncl_pickle *out)
{
    RNCL_TRY(rncl_pickle_read(r->path, *rest, allows, out));
    rest->data += out->size_bytes;
    rest->size_bytes -= out->size_bytes;
    return RNCL_OK;
}

static rncl_status check_legacy(const reader *r, rncl_mapping *rest)
{
    rncl_pickle version, machine;
    size_t number;
    RNCL_TRY(next_pickle(r, rest, &version));
    const bool known = rncl_pickle_size(version.value, &number) && number == LEGACY_VERSION;
    rncl_pickle_free(&version);
    if (!known)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a PyTorch file of a version that rncl does not know", r->path);
    RNCL_TRY(next_pickle(r, rest, &machine));
    const rncl_pickle_value *little = rncl_pickle_find(machine.value, "little_endian");
    const bool fits = little && little->kind == RNCL_PICKLE_BOOL && little->integer;
    rncl_pickle_free(&machine);
    return fits ? RNCL_OK
                : RNCL_FAIL(RNCL_ERR_MODEL,
                            "%s: written on a big-endian machine: load and save it on another", r->path);
}

/* The storages in the order of their keys; they are all that is left of the file. */
static rncl_status place_storages(const reader *r, const rncl_pickle_value *keys, rncl_mapping rest)
{
    if (keys->kind != RNCL_PICKLE_LIST)
        return bad_storage(r);
    for (const rncl_pickle_item *item = keys->items.first; item; item = item->next) {
        storage *s = item->value->kind == RNCL_PICKLE_TEXT ? find_storage(r, item->value->text) : NULL;
        if (!s)
            return bad_storage(r);
        const size_t size_bytes = s->count * rncl_dtype_bytes(s->dtype);
        uint64_t count;
        if (rest.size_bytes < COUNT_BYTES || size_bytes > rest.size_bytes - COUNT_BYTES)
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: cut short; copy the file again", r->path);
        memcpy(&count, rest.data, sizeof count);
        if (count != s->count)
            return bad_storage(r);
        s->data = rest.data + COUNT_BYTES;
        rest.data += COUNT_BYTES + size_bytes;
        rest.size_bytes -= COUNT_BYTES + size_bytes;
    }
    for (size_t i = 0; i < r->storage_count; i++)
        if (!r->storages[i].data)
            return bad_storage(r);
    return RNCL_OK;
}

static rncl_status read_legacy(reader *r, rncl_mapping bytes)
{
    rncl_mapping rest = {bytes.data + sizeof magic, bytes.size_bytes - sizeof magic};
    RNCL_TRY(check_legacy(r, &rest));
    RNCL_TRY(next_pickle(r, &rest, &r->pickle));
    RNCL_TRY(list_storages(r));
    rncl_pickle keys;
    RNCL_TRY(next_pickle(r, &rest, &keys));
    const rncl_status st = place_storages(r, keys.value, rest);
    rncl_pickle_free(&keys);
    return st ? st : read_state_dict(r);
}

static rncl_status read_pth_legacy(const char *path, rncl_mapping bytes, rncl_tensor_file *file)
{
    reader r = {.path = path, .file = file};
    const rncl_status st = read_legacy(&r, bytes);
    close_reader(&r);
    return st;
}

const rncl_tensor_format rncl_format_pth_legacy = {recognises_legacy, read_pth_legacy};
