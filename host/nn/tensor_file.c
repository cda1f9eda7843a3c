/* What all formats share: element types, prefixes, the list of tensors. */
#include "tensor_file.h"

#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "half.h"
#include "util.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied as they are in the file");

/* ---- element types ---- */

static float f64_to_float(const unsigned char *bytes)
{
    double value;
    memcpy(&value, bytes, sizeof value);
    return (float)value;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float f32_to_float(const unsigned char *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static float bf16_to_float(const unsigned char *bytes)
{
    return float_of_bits((uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24);
}

static float f16_to_float(const unsigned char *bytes)
{
    return rncl_half_to_float((uint16_t)(bytes[0] | bytes[1] << 8));
}

static const struct dtype {
    const char *name;
    size_t size_bytes;
    float (*to_float)(const unsigned char *bytes); /* NULL: not a float */
    bool number, with_sign;
} dtypes[] = {
    [RNCL_DTYPE_F64] = {"F64", 8, f64_to_float, true, true},
    [RNCL_DTYPE_F32] = {"F32", 4, f32_to_float, true, true},
    [RNCL_DTYPE_F16] = {"F16", 2, f16_to_float, true, true},
    [RNCL_DTYPE_BF16] = {"BF16", 2, bf16_to_float, true, true},
    [RNCL_DTYPE_I64] = {"I64", 8, NULL, true, true},
    [RNCL_DTYPE_I32] = {"I32", 4, NULL, true, true},
    [RNCL_DTYPE_I16] = {"I16", 2, NULL, true, true},
    [RNCL_DTYPE_I8] = {"I8", 1, NULL, true, true},
    [RNCL_DTYPE_U64] = {"U64", 8, NULL, true, false},
    [RNCL_DTYPE_U32] = {"U32", 4, NULL, true, false},
    [RNCL_DTYPE_U16] = {"U16", 2, NULL, true, false},
    [RNCL_DTYPE_U8] = {"U8", 1, NULL, true, false},
    [RNCL_DTYPE_BOOL] = {"BOOL", 1, NULL, false, false},
};

bool rncl_dtype_is_float(rncl_dtype dtype)
{
    return dtypes[dtype].to_float != NULL;
}

bool rncl_dtype_is_number(rncl_dtype dtype)
{
    return dtypes[dtype].number;
}

const char *rncl_dtype_name(rncl_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t rncl_dtype_bytes(rncl_dtype dtype)
{
    return dtypes[dtype].size_bytes;
}

bool rncl_dtype_find(const char *name, rncl_dtype *out)
{
    for (size_t i = 0; i < COUNT(dtypes); i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *out = (rncl_dtype)i;
            return true;
        }
    }
    return false;
}

/* ---- one tensor ---- */

bool rncl_file_tensor_bytes(const rncl_file_tensor *tensor, size_t *size_bytes)
{
    *size_bytes = dtypes[tensor->dtype].size_bytes;
    for (int i = 0; i < tensor->rank; i++)
        if (!rncl_size_multiply(*size_bytes, tensor->dims[i], size_bytes))
            return false;
    return true;
}

void rncl_file_tensor_pack(rncl_file_tensor *tensor)
{
    size_t stride = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        tensor->strides[i] = stride;
        stride *= tensor->dims[i];
    }
}

static bool is_packed(const rncl_file_tensor *tensor)
{
    rncl_file_tensor packed = *tensor;
    rncl_file_tensor_pack(&packed);
    return memcmp(packed.strides, tensor->strides, (size_t)tensor->rank * sizeof *packed.strides) == 0;
}

/* Element by element, along the strides. */
static void gather(const rncl_file_tensor *tensor, size_t count, float *values)
{
    const struct dtype *dtype = &dtypes[tensor->dtype];
    size_t index[RNCL_TENSOR_RANK] = {0}, offset = 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = dtype->to_float(tensor->data + offset * dtype->size_bytes);
        for (int d = tensor->rank - 1; d >= 0; d--) { /* counts up, last dimension first */
            offset += tensor->strides[d];
            if (++index[d] < tensor->dims[d])
                break;
            offset -= tensor->dims[d] * tensor->strides[d];
            index[d] = 0;
        }
    }
}

void rncl_file_tensor_floats(const rncl_file_tensor *tensor, float *values)
{
    const struct dtype *dtype = &dtypes[tensor->dtype];
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i];
    if (!is_packed(tensor))
        gather(tensor, count, values);
    else if (tensor->dtype == RNCL_DTYPE_F32 && count)
        memcpy(values, tensor->data, count * sizeof *values);
    else
        for (size_t i = 0; i < count; i++)
            values[i] = dtype->to_float(tensor->data + i * dtype->size_bytes);
}

/* NaN is 0. */
static int64_t integer_of(float value)
{
    if (value >= 0x1p63f)
        return INT64_MAX;
    return value >= -0x1p63f ? (int64_t)value : isnan(value) ? 0 : INT64_MIN;
}

int64_t rncl_file_tensor_integer(const rncl_file_tensor *tensor)
{
    const struct dtype *dtype = &dtypes[tensor->dtype];
    if (dtype->to_float)
        return integer_of(dtype->to_float(tensor->data));
    uint64_t bits = 0;
    memcpy(&bits, tensor->data, dtype->size_bytes);
    const unsigned unused_bits = 64 - 8 * (unsigned)dtype->size_bytes;
    if (dtype->with_sign && bits >> (63 - unused_bits))
        return (int64_t)(bits | ~(UINT64_MAX >> unused_bits));
    return (int64_t)MIN(bits, (uint64_t)INT64_MAX);
}

void rncl_file_tensor_shape_text(const rncl_file_tensor *tensor, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < tensor->rank && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%zu", i ? ", " : "", tensor->dims[i]);
    if (length < size)
        snprintf(text + length, size - length, "]");
}

/* ---- names ---- */

/* What DataParallel, torch.compile, Lightning and detectors put before the names of the network in them. */
static const char *const prefixes[] = {"module.", "_orig_mod.", "model.", "backbone."};

/* Length of a prefix that all names share behind their first `taken` characters; 0: there is none. */
static size_t common_prefix(const rncl_tensor_file *file, size_t taken)
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        const size_t length = strlen(prefixes[i]);
        size_t sharing = 0;
        while (sharing < file->count &&
               strncmp(file->tensors[sharing].name + taken, prefixes[i], length) == 0)
            sharing++;
        if (sharing == file->count)
            return length;
    }
    return 0;
}

static rncl_status strip_prefix(const char *path, rncl_tensor_file *file)
{
    size_t taken = 0, length = 0;
    while (file->count && (length = common_prefix(file, taken)))
        taken += length;
    if (!taken)
        return RNCL_OK;
    file->prefix = rncl_tensor_file_allocate(file, taken + 1);
    if (!file->prefix)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its names", path);
    memcpy(file->prefix, file->tensors[0].name, taken);
    file->prefix[taken] = '\0';
    for (size_t i = 0; i < file->count; i++)
        file->tensors[i].name += taken;
    return RNCL_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const rncl_file_tensor *)a)->name, ((const rncl_file_tensor *)b)->name);
}

static rncl_status sort_names(const char *path, rncl_tensor_file *file)
{
    RNCL_TRY(strip_prefix(path, file));
    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_names);
    for (size_t i = 1; i < file->count; i++)
        if (compare_names(&file->tensors[i - 1], &file->tensors[i]) == 0)
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: it has two tensors called %s", path, file->tensors[i].name);
    return RNCL_OK;
}

/* ---- the file ---- */

/* The last one takes what no other recognises, and says what is wrong with it. */
static const rncl_tensor_format *const formats[] = {&rncl_format_pth_zip, &rncl_format_pth_legacy,
                                                    &rncl_format_safetensors};

rncl_status rncl_tensor_file_parse(const char *path, rncl_contents bytes, rncl_tensor_file *out)
{
    *out = (rncl_tensor_file){0};
    size_t i = 0;
    while (i + 1 < COUNT(formats) && !formats[i]->recognises(bytes))
        i++;
    out->format = formats[i];
    rncl_status st = formats[i]->read(path, bytes, out);
    if (!st)
        st = sort_names(path, out);
    if (st)
        rncl_tensor_file_close(out);
    return st;
}

rncl_status rncl_tensor_file_open(const char *path, rncl_tensor_file *out)
{
    *out = (rncl_tensor_file){0};
    rncl_contents file;
    if (rncl_file_read(path, &file))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s", rncl_status_message());
    const rncl_status st = rncl_tensor_file_parse(path, file, out);
    if (st)
        rncl_contents_free(&file);
    else
        out->file = file;
    return st;
}

rncl_status rncl_tensor_file_verify(const char *path, const rncl_tensor_file *file)
{
    return file->format->verify ? file->format->verify(path, file) : RNCL_OK;
}

struct rncl_memory_block {
    rncl_memory_block *next;
    alignas(max_align_t) unsigned char bytes[];
};

void *rncl_tensor_file_allocate(rncl_tensor_file *file, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX - sizeof(rncl_memory_block))
        return NULL;
    rncl_memory_block *block = malloc(sizeof *block + size_bytes);
    if (!block)
        return NULL;
    block->next = file->blocks;
    file->blocks = block;
    return block->bytes;
}

void rncl_tensor_file_close(rncl_tensor_file *file)
{
    while (file->blocks) {
        rncl_memory_block *next = file->blocks->next;
        free(file->blocks);
        file->blocks = next;
    }
    free(file->tensors);
    json_decref(file->header);
    rncl_contents_free(&file->file);
    *file = (rncl_tensor_file){0};
}

const rncl_file_tensor *rncl_tensor_file_find(const rncl_tensor_file *file, const char *name)
{
    rncl_file_tensor key = {.name = name};
    return file->count ? bsearch(&key, file->tensors, file->count, sizeof key, compare_names) : NULL;
}

const char *rncl_tensor_file_metadata(const rncl_tensor_file *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}
