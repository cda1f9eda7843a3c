/* State dicts: from pickled values to tensors. */
#include "pth.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* What the globals of a state dict are; a storage's meaning is STORAGE and its dtype. */
enum {
    SIZE = 1,
    TENSOR,    /* its arguments are storage, offset, sizes and strides */
    PARAMETER, /* its first argument is a tensor */
    STORAGE,
};

static const rncl_pickle_global globals[] = {
    {"collections", "OrderedDict", RNCL_PICKLE_MAKE_DICT, 0},
    {"torch", "Size", RNCL_PICKLE_MAKE_OBJECT, SIZE},
    {"torch._utils", "_rebuild_tensor_v2", RNCL_PICKLE_MAKE_OBJECT, TENSOR},
    {"torch._utils", "_rebuild_tensor", RNCL_PICKLE_MAKE_OBJECT, TENSOR},
    {"torch._utils", "_rebuild_parameter", RNCL_PICKLE_MAKE_OBJECT, PARAMETER},
    {"torch.nn.parameter", "Parameter", RNCL_PICKLE_MAKE_OBJECT, PARAMETER},
    {"torch", "DoubleStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_F64},
    {"torch", "FloatStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_F32},
    {"torch", "HalfStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_F16},
    {"torch", "BFloat16Storage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_BF16},
    {"torch", "LongStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_I64},
    {"torch", "IntStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_I32},
    {"torch", "ShortStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_I16},
    {"torch", "CharStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_I8},
    {"torch", "ByteStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_U8},
    {"torch", "BoolStorage", RNCL_PICKLE_NOT_CALLABLE, STORAGE + RNCL_DTYPE_BOOL},
};

const rncl_pickle_rules rncl_pth_rules = {
    .failure = RNCL_ERR_MODEL,
    .damage_advice = "copy the file again",
    .foreign_advice = "save the weights alone: torch.save(model.state_dict(), FILE)",
    .globals = globals,
    .global_count = COUNT(globals),
    .keeps_foreign = true,
};

/* ---- storages ---- */

rncl_status rncl_pth_bad_storage(const rncl_pth *r)
{
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: damaged: a storage of its tensors is described in no way that PyTorch has",
                     r->path);
}

rncl_status rncl_pth_big_endian(const rncl_pth *r)
{
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: written on a big-endian machine: load and save it on another",
                     r->path);
}

static bool find_dtype(const rncl_pickle_value *type, rncl_dtype *dtype)
{
    if (!type || type->kind != RNCL_PICKLE_GLOBAL || type->global->meaning < STORAGE)
        return false;
    *dtype = (rncl_dtype)(type->global->meaning - STORAGE);
    return true;
}

/* ("storage", type, key, place, count), of old files with a sixth element that is None. */
static rncl_status describe_storage(const rncl_pth *r, const rncl_pickle_value *id, rncl_pth_storage *out)
{
    const rncl_pickle_value *type = rncl_pickle_element(id, 1), *key = rncl_pickle_element(id, 2),
                            *view = rncl_pickle_element(id, 5);
    size_t size_bytes;
    *out = (rncl_pth_storage){0};
    if (type && type->kind == RNCL_PICKLE_FOREIGN)
        return rncl_pickle_refuse_foreign(r->path, &rncl_pth_rules, type);
    if (id->kind != RNCL_PICKLE_TUPLE || !rncl_pickle_is_text(rncl_pickle_element(id, 0), "storage") ||
        !find_dtype(type, &out->dtype) || !key || key->kind != RNCL_PICKLE_TEXT ||
        !rncl_pickle_size(rncl_pickle_element(id, 4), &out->count) ||
        !rncl_size_multiply(out->count, rncl_dtype_bytes(out->dtype), &size_bytes))
        return rncl_pth_bad_storage(r);
    if (key->text.length > RNCL_PTH_MOST_KEY_BYTES)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: damaged: the key of a storage has %zu bytes, more than PyTorch's", r->path,
                         key->text.length);
    if (view && view->kind != RNCL_PICKLE_NONE)
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: its storages are parts of others, as only very old PyTorch wrote them: load and save "
            "it with a newer one",
            r->path);
    out->key = key->text;
    return RNCL_OK;
}

/* For the rules' persistent_id. */
static rncl_status add_storage(void *context, const rncl_pickle_value *id)
{
    rncl_pth *r = context;
    if (r->storage_count == r->storage_room) {
        const size_t room = MAX((size_t)64, 2 * r->storage_room);
        rncl_pth_storage *grown = realloc(r->storages, room * sizeof *grown);
        if (!grown)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of storages", r->path);
        r->storages = grown;
        r->storage_room = room;
    }
    RNCL_TRY(describe_storage(r, id, &r->storages[r->storage_count]));
    r->storage_count++;
    return RNCL_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const rncl_pickle_text *left = &((const rncl_pth_storage *)a)->key,
                           *right = &((const rncl_pth_storage *)b)->key;
    const int order = memcmp(left->characters, right->characters, MIN(left->length, right->length));
    if (order)
        return order;
    return left->length < right->length ? -1 : left->length > right->length;
}

/* Sorts them, and keeps each once: a storage is met as often as there are tensors that are views of it. */
static rncl_status sort_storages(rncl_pth *r)
{
    const size_t met = r->storage_count;
    if (met)
        qsort(r->storages, met, sizeof *r->storages, compare_keys);
    r->storage_count = 0;
    for (size_t i = 0; i < met; i++) {
        const rncl_pth_storage *last = r->storage_count ? &r->storages[r->storage_count - 1] : NULL;
        if (!last || compare_keys(last, &r->storages[i]))
            r->storages[r->storage_count++] = r->storages[i];
        else if (last->dtype != r->storages[i].dtype || last->count != r->storages[i].count)
            return rncl_pth_bad_storage(r);
    }
    return RNCL_OK;
}

rncl_pth_storage *rncl_pth_find_storage(const rncl_pth *r, rncl_pickle_text key)
{
    const rncl_pth_storage wanted = {.key = key};
    if (!r->storage_count)
        return NULL;
    return bsearch(&wanted, r->storages, r->storage_count, sizeof wanted, compare_keys);
}

rncl_status rncl_pth_read_pickle(rncl_pth *r, rncl_contents bytes, size_t *size_bytes)
{
    rncl_pickle_rules rules = rncl_pth_rules;
    rules.persistent_id = add_storage;
    rules.context = r;
    RNCL_TRY(rncl_pickle_read(r->path, bytes, &rules, &r->pickle));
    *size_bytes = r->pickle.size_bytes;
    return sort_storages(r);
}

/* ---- tensors ---- */

static bool is_call_of(const rncl_pickle_value *value, int meaning)
{
    return value && value->kind == RNCL_PICKLE_OBJECT && value->object.function->meaning == meaning;
}

/* A name of the state dict with an end, as a string of the file. The same text can be the name of any number
 * of tensors in a few bytes each, so that all names together are bounded by the pickle. */
static rncl_status take_name(rncl_pth *r, const rncl_pickle_value *key, const char **out)
{
    if (key->kind != RNCL_PICKLE_TEXT)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its state dict has a key that is no text", r->path);
    if (key->text.length > r->pickle.size_bytes - r->name_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: the names of its tensors are larger than its pickle",
                         r->path);
    r->name_bytes += key->text.length;
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

/* The call that makes a tensor out of a storage, itself or inside that of a parameter; NULL if the value is
 * no tensor. */
static const rncl_pickle_value *tensor_call(const rncl_pickle_value *value)
{
    if (is_call_of(value, PARAMETER))
        value = rncl_pickle_element(value->object.arguments, 0);
    return is_call_of(value, TENSOR) ? value : NULL;
}

/* torch.Size((2, 3)) or (2, 3). */
static bool read_sizes(const rncl_pickle_value *value, int *rank, size_t sizes[RNCL_TENSOR_RANK])
{
    if (is_call_of(value, SIZE))
        value = rncl_pickle_element(value->object.arguments, 0);
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

static rncl_status read_tensor(rncl_pth *r, const rncl_pickle_value *key, const rncl_pickle_value *value,
                               rncl_file_tensor *tensor)
{
    RNCL_TRY(take_name(r, key, &tensor->name));
    const rncl_pickle_value *made = tensor_call(value);
    if (value->kind == RNCL_PICKLE_FOREIGN)
        return rncl_pickle_refuse_foreign(r->path, &rncl_pth_rules, value);
    if (!made)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: %s is no tensor; save the weights alone: torch.save(model.state_dict(), FILE)",
                         r->path, tensor->name);
    const rncl_pickle_value *arguments = made->object.arguments, *where = rncl_pickle_element(arguments, 0);
    size_t offset;
    int strides;
    if (!where || where->kind != RNCL_PICKLE_PERSISTENT ||
        !rncl_pickle_size(rncl_pickle_element(arguments, 1), &offset) ||
        !read_sizes(rncl_pickle_element(arguments, 2), &tensor->rank, tensor->dims) ||
        !read_sizes(rncl_pickle_element(arguments, 3), &strides, tensor->strides) || strides != tensor->rank)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %s has no storage, or a shape that rncl does not read",
                         r->path, tensor->name);
    rncl_pth_storage *from = rncl_pth_find_storage(r, rncl_pickle_element(where->persistent_id, 2)->text);
    tensor->dtype = from->dtype;
    if (!lies_inside(tensor, offset, from->count))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %s reaches beyond its storage", r->path, tensor->name);
    if (r->open_storage)
        RNCL_TRY(r->open_storage(r, from));
    if (from->data)
        tensor->data = from->data + offset * rncl_dtype_bytes(from->dtype);
    return RNCL_OK;
}

/* ---- the state dict ---- */

/* Under which keys training scripts put it beside other things. */
static const char *const wrappers[] = {"state_dict", "model",   "model_state_dict", "model_state",
                                       "net",        "network", "weights",          "params",
                                       "module",     "backbone"};

static bool holds_tensors(const rncl_pickle_value *value)
{
    if (value->kind != RNCL_PICKLE_DICT)
        return false;
    for (const rncl_pickle_item *item = value->items.first; item; item = item->next)
        if (tensor_call(item->value))
            return true;
    return false;
}

static const rncl_pickle_value *find_wrapped(const rncl_pickle_value *value)
{
    for (size_t i = 0; i < COUNT(wrappers); i++) {
        const rncl_pickle_value *inside = rncl_pickle_find(value, wrappers[i]);
        if (inside && (inside->kind == RNCL_PICKLE_DICT || inside->kind == RNCL_PICKLE_FOREIGN))
            return inside;
    }
    return NULL;
}

/* Where no key is a usual one: the only member that holds tensors. */
static rncl_status find_only(const rncl_pth *r, const rncl_pickle_value *value, const rncl_pickle_value **out)
{
    const rncl_pickle_item *found = NULL;
    for (const rncl_pickle_item *item = value->items.first; item; item = item->next) {
        if (!holds_tensors(item->value))
            continue;
        if (found)
            return RNCL_FAIL(RNCL_ERR_MODEL,
                             "%s: it holds several state dicts; save the one that is wanted: "
                             "torch.save(checkpoint[KEY], FILE)",
                             r->path);
        found = item;
    }
    if (found)
        *out = found->value;
    return RNCL_OK;
}

static rncl_status find_state_dict(const rncl_pth *r, const rncl_pickle_value **out)
{
    enum { MOST_LEVELS = 4 };
    *out = r->pickle.value;
    for (int level = 0; level < MOST_LEVELS; level++) {
        const rncl_pickle_value *inside = find_wrapped(*out);
        if (!inside)
            break;
        *out = inside;
    }
    return (*out)->kind == RNCL_PICKLE_DICT && !holds_tensors(*out) ? find_only(r, *out, out) : RNCL_OK;
}

rncl_status rncl_pth_read_tensors(rncl_pth *r)
{
    const rncl_pickle_value *dict;
    RNCL_TRY(find_state_dict(r, &dict));
    if (dict->kind == RNCL_PICKLE_FOREIGN)
        return rncl_pickle_refuse_foreign(r->path, &rncl_pth_rules, dict);
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

void rncl_pth_fini(rncl_pth *r)
{
    free(r->storages);
    rncl_pickle_free(&r->pickle);
}
