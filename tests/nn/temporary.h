/* A folder for one test program, removed when it ends. */
#ifndef TESTS_NN_TEMPORARY_H
#define TESTS_NN_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "nn_test.h"

static char folder[] = "/tmp/rncl-test-XXXXXX";
static char path[64]; /* of the one file that the tests write */

static inline int make_folder(void **unused)
{
    (void)unused;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return 0;
}

static inline int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

/* Writes a safetensors file byte by byte: length, header, `data_bytes` of data. */
static inline void write_raw(const char *header, size_t length, const void *data, size_t data_bytes)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    uint64_t field = length;
    assert_int_equal(fwrite(&field, sizeof field, 1, stream), 1);
    assert_int_equal(fwrite(header, 1, strlen(header), stream), strlen(header));
    if (data_bytes)
        assert_int_equal(fwrite(data, 1, data_bytes, stream), data_bytes);
    assert_int_equal(fclose(stream), 0);
}

#endif
