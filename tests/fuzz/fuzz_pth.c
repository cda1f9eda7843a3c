/* PyTorch's files: the input whole (zip or legacy), and as the pickles that follow the magic number of a
 * legacy file, where mutations are not stopped by a checksum. */
#include <string.h>

#include "tensor_file_input.h"

static const uint8_t start[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8,
                                0x50, 0x19, '.',  0x80, 2,    'M',  0xe9, 3,    '.',  0x80, 2,    '}',
                                'X',  13,   0,    0,    0,    'l',  'i',  't',  't',  'l',  'e',  '_',
                                'e',  'n',  'd',  'i',  'a',  'n',  0x88, 's',  '.'};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_touch(data, size);
    uint8_t *legacy = malloc(sizeof start + size);
    if (!legacy)
        return 0;
    memcpy(legacy, start, sizeof start);
    if (size)
        memcpy(legacy + sizeof start, data, size);
    read_and_touch(legacy, sizeof start + size);
    free(legacy);
    return 0;
}
