/* Writes pickles byte by byte, also invalid ones, inside a PyTorch file of the legacy form. */
#ifndef TESTS_NN_PICKLE_WRITER_H
#define TESTS_NN_PICKLE_WRITER_H

#include <stdbool.h>

#include "nn_test.h"

#include "tensor_file.h"

typedef struct pickle_writer {
    unsigned char bytes[4096];
    size_t length;
    bool has_storage; /* some tensor is in it */
} pickle_writer;

static inline void put_bytes(pickle_writer *w, const void *bytes, size_t count)
{
    assert_true(w->length + count <= sizeof w->bytes);
    memcpy(w->bytes + w->length, bytes, count);
    w->length += count;
}

/* A literal, embedded zeros included. */
#define PUT(writer, literal) put_bytes(writer, literal, sizeof(literal) - 1)

static inline void put_text(pickle_writer *w, const char *text)
{
    const uint32_t length = (uint32_t)strlen(text);
    PUT(w, "X");
    put_bytes(w, &length, sizeof length);
    put_bytes(w, text, length);
}

static inline void put_number(pickle_writer *w, int64_t number)
{
    PUT(w, "\x8a\x08");
    put_bytes(w, &number, sizeof number);
}

static inline void put_sizes(pickle_writer *w, const int64_t *sizes, int rank)
{
    PUT(w, "(");
    for (int i = 0; i < rank; i++)
        put_number(w, sizes[i]);
    PUT(w, "t");
}

/* A view of the one storage, which has `storage_count` elements. */
typedef struct pickled_tensor {
    const char *storage_type; /* "FloatStorage" */
    int64_t storage_count, offset;
    int rank;
    int64_t sizes[9], strides[9];
} pickled_tensor;

static inline void put_tensor(pickle_writer *w, const pickled_tensor *tensor)
{
    w->has_storage = true;
    PUT(w, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(w, "storage");
    PUT(w, "ctorch\n");
    put_bytes(w, tensor->storage_type, strlen(tensor->storage_type));
    PUT(w, "\n");
    put_text(w, "0");
    put_text(w, "cpu");
    put_number(w, tensor->storage_count);
    PUT(w, "tQ");
    put_number(w, tensor->offset);
    put_sizes(w, tensor->sizes, tensor->rank);
    put_sizes(w, tensor->strides, tensor->rank);
    PUT(w, "\x89}tR");
}

/* Reads a file of this pickle and, if it has tensors, one storage of eight floats. */
static inline rncl_status read_pickled(const pickle_writer *pickle, rncl_tensor_file *out)
{
    static unsigned char bytes[sizeof pickle->bytes + 256]; /* outlives the file */
    static const float values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    pickle_writer w = {.length = 0};
    PUT(&w, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}");
    put_text(&w, "little_endian");
    PUT(&w, "\x88s.");
    const size_t head = w.length;
    memcpy(bytes, w.bytes, head);
    memcpy(bytes + head, pickle->bytes, pickle->length);
    w.length = 0;
    PUT(&w, "\x80\x02]");
    if (pickle->has_storage) {
        put_text(&w, "0");
        PUT(&w, "a.\x08\0\0\0\0\0\0\0");
        put_bytes(&w, values, sizeof values);
    } else {
        PUT(&w, ".");
    }
    memcpy(bytes + head + pickle->length, w.bytes, w.length);
    return rncl_tensor_file_parse("it.pth", (rncl_contents){bytes, head + pickle->length + w.length}, out);
}

#endif
