/* Guarded tensors. */
#include "tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "util.h"

/* More bytes than the last work-group of a kernel without bounds checks would write past the end. */
enum { GUARD_BYTES = 4096 };

/* Fills guards and tensors that must be written before they are read. The words are NaNs, so that reading
 * them shows in results. Each word of each tensor is different, so that a copy to another place is
 * noticed. */
static uint32_t poison_word(unsigned salt, size_t index)
{
    return UINT32_C(0x7fc00000) | ((uint32_t)(index * 64 + salt) & 0x3fffff);
}

/* The same for elements. */
static uint16_t poison_element(unsigned salt, size_t index)
{
    return (uint16_t)(0x7fc0 | ((index + salt) & 0x3f));
}

/* Sums of products of such integers are exact in floats for millions of terms. */
enum { LARGEST_INTEGER = 2 };

size_t check_tensor_count(const check_tensor *tensor)
{
    return tensor->size_bytes / (tensor->elements ? sizeof(uint16_t) : sizeof(float));
}

bool check_tensor_is_result(const check_tensor *tensor)
{
    return tensor->role == CHECK_OUTPUT || tensor->role == CHECK_UPDATED || tensor->role == CHECK_ADDED;
}

static unsigned char poison_byte(const check_tensor *tensor, size_t at)
{
    const uint32_t word = poison_word(tensor->salt, at / sizeof word);
    const uint16_t element = poison_element(tensor->salt, at / sizeof element);
    return tensor->elements ? ((const unsigned char *)&element)[at % sizeof element]
                            : ((const unsigned char *)&word)[at % sizeof word];
}

static void poison(const check_tensor *tensor, void *memory, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        ((unsigned char *)memory)[i] = poison_byte(tensor, i);
}

static bool is_poison(const check_tensor *tensor, const unsigned char *memory, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        if (memory[i] != poison_byte(tensor, i))
            return false;
    return true;
}

static size_t bytes_before(const rncl_context *context, const check_tensor *tensor)
{
    return tensor->root ? 0 : rncl_round_up(GUARD_BYTES, context->info.address_alignment);
}

static size_t whole_bytes(const rncl_context *context, const check_tensor *tensor)
{
    return bytes_before(context, tensor) + tensor->size_bytes + GUARD_BYTES;
}

static rncl_status create_buffers(rncl_context *context, check_tensor *tensor)
{
    RNCL_TRY(rncl_buffer_create(context, whole_bytes(context, tensor), &tensor->whole));
    if (!tensor->root)
        return rncl_buffer_slice(tensor->whole, bytes_before(context, tensor), tensor->size_bytes,
                                 &tensor->buffer);
    tensor->buffer = tensor->whole;
    return RNCL_OK;
}

rncl_status check_tensor_create(rncl_context *context, check_tensor *tensor)
{
    tensor->initial = malloc(tensor->size_bytes);
    tensor->results[0] = malloc(tensor->size_bytes);
    tensor->results[1] = malloc(tensor->size_bytes);
    tensor->reference = calloc(check_tensor_count(tensor) + 1, sizeof(double));
    if (!tensor->initial || !tensor->results[0] || !tensor->results[1] || !tensor->reference)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu bytes to check", tensor->size_bytes);
    if (!tensor->shares)
        return create_buffers(context, tensor);
    tensor->buffer = tensor->shares->buffer;
    return RNCL_OK;
}

void check_tensor_destroy(check_tensor *tensor)
{
    if (tensor->whole && !tensor->root)
        rncl_buffer_release(tensor->buffer);
    rncl_buffer_release(tensor->whole);
    free(tensor->initial);
    free(tensor->results[0]);
    free(tensor->results[1]);
    free(tensor->reference);
}

double check_tensor_value(const check_tensor *tensor, const void *values, size_t index)
{
    if (tensor->integers)
        return (double)((const int32_t *)values)[index];
    return tensor->elements ? (double)rncl_element_to_float(tensor->type, ((const uint16_t *)values)[index])
                            : (double)((const float *)values)[index];
}

void check_tensor_set(check_tensor *tensor, size_t index, double value)
{
    if (tensor->integers)
        ((int32_t *)tensor->initial)[index] = (int32_t)value;
    else if (tensor->elements)
        ((uint16_t *)tensor->initial)[index] = rncl_element_of(tensor->type, (float)value);
    else
        ((float *)tensor->initial)[index] = (float)value;
    tensor->reference[index] = check_tensor_value(tensor, tensor->initial, index);
}

static double rounded(const check_tensor *tensor, double value)
{
    return (double)rncl_element_to_float(tensor->type, rncl_element_of(tensor->type, (float)value));
}

void check_tensor_round(check_tensor *tensor)
{
    for (size_t i = 0; i < check_tensor_count(tensor); i++)
        tensor->reference[i] = rounded(tensor, tensor->reference[i]);
}

void check_tensor_reset(check_tensor *tensor)
{
    for (size_t i = 0; tensor->role != CHECK_ABSENT && i < check_tensor_count(tensor); i++)
        tensor->reference[i] = check_tensor_value(tensor, tensor->initial, i);
}

static double draw(rncl_random *random, bool integers)
{
    return integers ? (double)rncl_random_below(random, 2 * LARGEST_INTEGER + 1) - LARGEST_INTEGER
                    : (double)rncl_random_normal(random);
}

void check_tensor_fill(check_tensor *tensor, rncl_random *random, bool integers)
{
    if (tensor->role == CHECK_OUTPUT || tensor->role == CHECK_SCRATCH) {
        poison(tensor, tensor->initial, tensor->size_bytes);
        return;
    }
    for (size_t i = 0; i < check_tensor_count(tensor); i++)
        check_tensor_set(tensor, i, draw(random, integers || tensor->integers));
}

/* Reads and writes use `whole` and never its sub-buffer, so that the driver need not synchronise the two. */
rncl_status check_tensor_upload(rncl_context *context, check_tensor *tensor)
{
    if (tensor->shares)
        return RNCL_OK;
    size_t size_bytes = whole_bytes(context, tensor);
    unsigned char *image = malloc(size_bytes);
    if (!image)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of a tensor to check", size_bytes);
    poison(tensor, image, size_bytes);
    memcpy(image + bytes_before(context, tensor), tensor->initial, tensor->size_bytes);
    rncl_status st = rncl_buffer_write(context, tensor->whole, 0, size_bytes, image);
    free(image);
    return st;
}

rncl_status check_tensor_poison(rncl_context *context, check_tensor *tensor)
{
    unsigned char *image = malloc(tensor->size_bytes);
    if (!image)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of a tensor to check", tensor->size_bytes);
    poison(tensor, image, tensor->size_bytes);
    rncl_status st =
        rncl_buffer_write(context, tensor->whole, bytes_before(context, tensor), tensor->size_bytes, image);
    free(image);
    return st;
}

rncl_status check_tensor_download(rncl_context *context, check_tensor *tensor, int run)
{
    const check_tensor *owner = tensor->shares ? tensor->shares : tensor;
    RNCL_TRY(rncl_buffer_read(context, owner->whole, bytes_before(context, owner), tensor->size_bytes,
                              tensor->results[run]));
    if (run == 1 && memcmp(tensor->results[0], tensor->results[1], tensor->size_bytes))
        tensor->faults |= CHECK_DIFFERENT;
    return RNCL_OK;
}

/* The contents that the tensor must still have after the last phase; NULL: it may have changed. */
static const void *kept_contents(const check_tensor *tensor, int run, check_phase last)
{
    if (tensor->dead)
        return NULL;
    if (tensor->role == CHECK_INPUT)
        return tensor->initial;
    return check_tensor_is_result(tensor) && tensor->phase < last ? tensor->results[run] : NULL;
}

rncl_status check_tensor_inspect(rncl_context *context, check_tensor *tensor, int run, check_phase last)
{
    if (tensor->shares)
        return RNCL_OK;
    size_t size_bytes = whole_bytes(context, tensor), before = bytes_before(context, tensor);
    unsigned char *image = malloc(size_bytes);
    if (!image)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of a tensor to check", size_bytes);
    rncl_status st = rncl_buffer_read(context, tensor->whole, 0, size_bytes, image);
    const void *kept = kept_contents(tensor, run, last);
    if (!st && !(is_poison(tensor, image, 0, before) &&
                 is_poison(tensor, image, before + tensor->size_bytes, size_bytes)))
        tensor->faults |= CHECK_OUTSIDE;
    if (!st && kept && memcmp(image + before, kept, tensor->size_bytes))
        tensor->faults |= CHECK_CHANGED;
    free(image);
    return st;
}

/* Whether value `i` is to be NaN, and has been made NaN and not only been left so. */
static bool is_wanted_nan(const check_tensor *tensor, size_t i)
{
    const size_t bytes = tensor->elements ? sizeof(uint16_t) : sizeof(float);
    const char *got = tensor->results[0], *initial = tensor->initial;
    return !tensor->integers && isnan(tensor->reference[i]) && isnan(check_tensor_value(tensor, got, i)) &&
           memcmp(got + i * bytes, initial + i * bytes, bytes);
}

/* A kernel rounds its float to an element; twice rounded, the reference is the same on integers. */
static double wanted(const check_tensor *tensor, size_t i)
{
    const double value = tensor->reference[i];
    return tensor->elements ? rounded(tensor, value) : value;
}

double check_tensor_error(const check_tensor *tensor)
{
    double difference = 0.0, norm = 0.0;
    size_t count = check_tensor_count(tensor);
    for (size_t i = 0; i < count; i++) {
        if (is_wanted_nan(tensor, i))
            continue;
        const double got = check_tensor_value(tensor, tensor->results[0], i), want = wanted(tensor, i);
        difference += (got - want) * (got - want);
        norm += want * want;
    }
    if (difference == 0.0)
        return 0.0;
    /* A few values may all be near zero by chance; their error is that of their terms, so that the norm
     * has a lower bound. */
    double least = tensor->typical / 8;
    double error = sqrt(difference / MAX(norm, least * least * (double)count));
    return error < RNCL_CHECK_BROKEN ? error : RNCL_CHECK_BROKEN;
}
