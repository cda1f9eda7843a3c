/* Shared by fuzz targets. A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput, and a folder
 * corpus/NAME. It aborts if the tested code breaks its contract; sanitizers find crashes. */
#ifndef RNCL_TESTS_FUZZ_FUZZ_H
#define RNCL_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assertion that is active in every build. */
#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A folder in memory that only the tested code sees. */
const char *fuzz_folder(void);

/* Writes a file into the folder and returns its path, which is valid until the next call. */
const char *fuzz_file(const char *name, const void *data, size_t size);

#endif
