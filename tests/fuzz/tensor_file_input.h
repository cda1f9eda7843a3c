/* Shared by the targets of both formats: reads every element of every tensor of an accepted file. */
#ifndef TESTS_FUZZ_TENSOR_FILE_INPUT_H
#define TESTS_FUZZ_TENSOR_FILE_INPUT_H

#include <stdint.h>
#include <stdlib.h>

#include "tensor_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Strides of 0 make shapes possible that are far larger than the file. */
enum { MOST_ELEMENT_BYTES = 1 << 20 };

static inline void touch(const rncl_file_tensor *tensor)
{
    char shape[64];
    size_t size_bytes;
    rncl_file_tensor_shape_text(tensor, shape, sizeof shape);
    if (!rncl_file_tensor_bytes(tensor, &size_bytes))
        abort();
    if (size_bytes == 0 || size_bytes > MOST_ELEMENT_BYTES)
        return;
    if (rncl_dtype_is_number(tensor->dtype))
        (void)rncl_file_tensor_integer(tensor);
    if (!rncl_dtype_is_float(tensor->dtype))
        return;
    float *values = malloc(size_bytes / rncl_dtype_bytes(tensor->dtype) * sizeof *values);
    if (!values)
        return;
    rncl_file_tensor_floats(tensor, values);
    free(values);
}

static inline int read_and_touch(const uint8_t *data, size_t size)
{
    rncl_tensor_file file;
    if (rncl_tensor_file_parse("input", (rncl_contents){data, size}, &file))
        return 0;
    (void)rncl_tensor_file_verify("input", &file);
    for (size_t i = 0; i < file.count; i++) {
        if (rncl_tensor_file_find(&file, file.tensors[i].name) != &file.tensors[i])
            abort();
        touch(&file.tensors[i]);
    }
    rncl_tensor_file_close(&file);
    return 0;
}

#endif
