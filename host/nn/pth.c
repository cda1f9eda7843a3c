/* State dicts: from pickled values to tensors. */
#include "pth.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

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

static bool find_dtype(rncl_state_pickle_text module, rncl_state_pickle_text name, rncl_dtype *dtype)
{
    for (size_t i = 0; i < COUNT(storage_types); i++) {
        if (rncl_state_pickle_text_is(module, "torch") &&
            rncl_state_pickle_text_is(name, storage_types[i].storage)) {
            *dtype = storage_types[i].dtype;
            return true;
        }
    }
    return false;
}

bool rncl_pth_knows(rncl_state_pickle_text module, rncl_state_pickle_text name)
{
    rncl_dtype dtype;
    for (size_t i = 0; i < COUNT(tensor_makers); i++)
        if (rncl_state_pickle_text_is(module, tensor_makers[i].module) &&
            rncl_state_pickle_text_is(name, tensor_makers[i].name))
            return true;
    return find_dtype(module, name, &dtype) ||
           (rncl_state_pickle_text_is(module, "collections") &&
            rncl_state_pickle_text_is(name, "OrderedDict")) ||
           (rncl_state_pickle_text_is(module, "torch") && rncl_state_pickle_text_is(name, "Size"));
}

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

/* ("storage", type, key, place, count), of old files with a sixth element that is None. */
static rncl_status describe_storage(const rncl_pth *r, const rncl_state_pickle_value *id,
                                    rncl_pth_storage *out)
{
    const rncl_state_pickle_value *word = rncl_state_pickle_element(id, 0),
                                  *type = rncl_state_pickle_element(id, 1),
                                  *key = rncl_state_pickle_element(id, 2),
                                  *view = rncl_state_pickle_element(id, 5);
    *out = (rncl_pth_storage){0};
    if (type && type->kind == RNCL_STATE_PICKLE_OBJECT)
        return rncl_state_pickle_refuse(r->path, type);
    if (!word || word->kind != RNCL_STATE_PICKLE_TEXT || !rncl_state_pickle_text_is(word->text, "storage") ||
        !type || type->kind != RNCL_STATE_PICKLE_GLOBAL ||
        !find_dtype(type->global.module, type->global.name, &out->dtype) || !key ||
        key->kind != RNCL_STATE_PICKLE_TEXT ||
        !rncl_state_pickle_size(rncl_state_pickle_element(id, 4), &out->count))
        return rncl_pth_bad_storage(r);
    size_t size_bytes;
    if (!rncl_size_multiply(out->count, rncl_dtype_bytes(out->dtype), &size_bytes))
        return rncl_pth_bad_storage(r);
    if (view && view->kind != RNCL_STATE_PICKLE_NONE)
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
    const rncl_state_pickle_text *left = &((const rncl_pth_storage *)a)->key,
                                 *right = &((const rncl_pth_storage *)b)->key;
    const int order = memcmp(left->characters, right->characters, MIN(left->length, right->length));
    if (order)
        return order;
    return left->length < right->length ? -1 : left->length > right->length;
}

/* Once each; the same storage is met as often as there are tensors that are views of it. */
static rncl_status list_storages(rncl_pth *r)
{
    size_t met = 0;
    for (const rncl_state_pickle_value *p = r->pickle.persistent; p; p = p->persistent.previous)
        met++;
    r->storages = calloc(met + 1, sizeof *r->storages);
    if (!r->storages)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of storages", r->path);
    size_t count = 0;
    for (const rncl_state_pickle_value *p = r->pickle.persistent; p; p = p->persistent.previous)
        RNCL_TRY(describe_storage(r, p->persistent.id, &r->storages[count++]));
    qsort(r->storages, count, sizeof *r->storages, compare_keys);
    for (size_t i = 0; i < count; i++) {
        rncl_pth_storage *last = r->storage_count ? &r->storages[r->storage_count - 1] : NULL;
        if (!last || compare_keys(last, &r->storages[i]))
            r->storages[r->storage_count++] = r->storages[i];
        else if (last->dtype != r->storages[i].dtype || last->count != r->storages[i].count)
            return rncl_pth_bad_storage(r);
    }
    return RNCL_OK;
}

rncl_pth_storage *rncl_pth_find_storage(const rncl_pth *r, rncl_state_pickle_text key)
{
    const rncl_pth_storage wanted = {.key = key};
    return bsearch(&wanted, r->storages, r->storage_count, sizeof wanted, compare_keys);
}

rncl_status rncl_pth_read_pickle(rncl_pth *r, rncl_contents bytes, size_t *size_bytes)
{
    RNCL_TRY(rncl_state_pickle_read(r->path, bytes, rncl_pth_knows, &r->pickle));
    *size_bytes = r->pickle.size_bytes;
    return list_storages(r);
}

/* ---- tensors ---- */

/* A name of the state dict with an end, as a string of the file. */
static rncl_status take_name(rncl_pth *r, const rncl_state_pickle_value *key, const char **out)
{
    if (key->kind != RNCL_STATE_PICKLE_TEXT)
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
static const rncl_state_pickle_value *tensor_call(const rncl_state_pickle_value *value)
{
    for (int wrappers = 0; value && value->kind == RNCL_STATE_PICKLE_CALL && wrappers < 2; wrappers++) {
        const rncl_state_pickle_value *function = value->call.function;
        size_t i = 0;
        while (i < COUNT(tensor_makers) &&
               !rncl_state_pickle_text_is(function->global.name, tensor_makers[i].name))
            i++;
        if (i == COUNT(tensor_makers))
            return NULL;
        if (tensor_makers[i].shape)
            return value;
        value = rncl_state_pickle_element(value->call.arguments, 0);
    }
    return NULL;
}

/* torch.Size((2, 3)) or (2, 3). */
static bool read_sizes(const rncl_state_pickle_value *value, int *rank, size_t sizes[RNCL_TENSOR_RANK])
{
    if (value && value->kind == RNCL_STATE_PICKLE_CALL)
        value = rncl_state_pickle_element(value->call.arguments, 0);
    if (!value || (value->kind != RNCL_STATE_PICKLE_TUPLE && value->kind != RNCL_STATE_PICKLE_LIST) ||
        value->items.count > RNCL_TENSOR_RANK)
        return false;
    *rank = 0;
    for (const rncl_state_pickle_item *item = value->items.first; item; item = item->next)
        if (!rncl_state_pickle_size(item->value, &sizes[(*rank)++]))
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

static rncl_status read_tensor(rncl_pth *r, const rncl_state_pickle_value *key,
                               const rncl_state_pickle_value *value, rncl_file_tensor *tensor)
{
    RNCL_TRY(take_name(r, key, &tensor->name));
    const rncl_state_pickle_value *made = tensor_call(value);
    if (value->kind == RNCL_STATE_PICKLE_OBJECT)
        return rncl_state_pickle_refuse(r->path, value);
    if (!made)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: %s is no tensor; save the weights alone: torch.save(model.state_dict(), FILE)",
                         r->path, tensor->name);
    const rncl_state_pickle_value *arguments = made->call.arguments,
                                  *where = rncl_state_pickle_element(arguments, 0);
    size_t offset;
    int strides;
    if (!where || where->kind != RNCL_STATE_PICKLE_PERSISTENT ||
        !rncl_state_pickle_size(rncl_state_pickle_element(arguments, 1), &offset) ||
        !read_sizes(rncl_state_pickle_element(arguments, 2), &tensor->rank, tensor->dims) ||
        !read_sizes(rncl_state_pickle_element(arguments, 3), &strides, tensor->strides) ||
        strides != tensor->rank)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %s has no storage, or a shape that rncl does not read",
                         r->path, tensor->name);
    rncl_pth_storage *from =
        rncl_pth_find_storage(r, rncl_state_pickle_element(where->persistent.id, 2)->text);
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

static bool holds_tensors(const rncl_state_pickle_value *value)
{
    if (value->kind != RNCL_STATE_PICKLE_DICT)
        return false;
    for (const rncl_state_pickle_item *item = value->items.first; item; item = item->next)
        if (tensor_call(item->value))
            return true;
    return false;
}

static const rncl_state_pickle_value *find_wrapped(const rncl_state_pickle_value *value)
{
    for (size_t i = 0; i < COUNT(wrappers); i++) {
        const rncl_state_pickle_value *inside = rncl_state_pickle_find(value, wrappers[i]);
        if (inside && (inside->kind == RNCL_STATE_PICKLE_DICT || inside->kind == RNCL_STATE_PICKLE_OBJECT))
            return inside;
    }
    return NULL;
}

/* Where no key is a usual one: the only member that holds tensors. */
static rncl_status find_only(const rncl_pth *r, const rncl_state_pickle_value *value,
                             const rncl_state_pickle_value **out)
{
    const rncl_state_pickle_item *found = NULL;
    for (const rncl_state_pickle_item *item = value->items.first; item; item = item->next) {
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

static rncl_status find_state_dict(const rncl_pth *r, const rncl_state_pickle_value **out)
{
    enum { MOST_LEVELS = 4 };
    *out = r->pickle.value;
    for (int level = 0; level < MOST_LEVELS; level++) {
        const rncl_state_pickle_value *inside = find_wrapped(*out);
        if (!inside)
            break;
        *out = inside;
    }
    return (*out)->kind == RNCL_STATE_PICKLE_DICT && !holds_tensors(*out) ? find_only(r, *out, out) : RNCL_OK;
}

rncl_status rncl_pth_read_tensors(rncl_pth *r)
{
    const rncl_state_pickle_value *dict;
    RNCL_TRY(find_state_dict(r, &dict));
    if (dict->kind == RNCL_STATE_PICKLE_OBJECT)
        return rncl_state_pickle_refuse(r->path, dict);
    if (dict->kind != RNCL_STATE_PICKLE_DICT || !dict->items.count)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: it holds no state dict: save one with torch.save(model.state_dict(), FILE)",
                         r->path);
    r->file->tensors = calloc(dict->items.count, sizeof *r->file->tensors);
    if (!r->file->tensors)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of tensors", r->path);
    for (const rncl_state_pickle_item *item = dict->items.first; item; item = item->next)
        RNCL_TRY(read_tensor(r, item->key, item->value, &r->file->tensors[r->file->count++]));
    return RNCL_OK;
}

void rncl_pth_fini(rncl_pth *r)
{
    free(r->storages);
    rncl_state_pickle_free(&r->pickle);
}
