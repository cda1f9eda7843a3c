/* safetensors files, whole. */
#include "tensor_file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return read_and_touch(data, size);
}
