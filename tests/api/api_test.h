/* Shared by the tests of the library: cmocka, a folder that is removed when the program ends, small
 * sessions. Only public headers are included. */
#ifndef TESTS_API_API_TEST_H
#define TESTS_API_API_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rncl/rncl.h>

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void expect_ok(rncl_status got)
{
    if (got)
        fail_msg("%s: %s", rncl_status_text(got), rncl_status_message());
}

/* Expects a status, and a part of its message. */
static inline void expect_failure(rncl_status got, rncl_status wanted, const char *part)
{
    if (got != wanted)
        fail_msg("expected \"%s\", got \"%s\": %s", rncl_status_text(wanted), rncl_status_text(got),
                 rncl_status_message());
    if (!strstr(rncl_status_message(), part))
        fail_msg("expected \"%s\" in: %s", part, rncl_status_message());
    assert_null(strchr(rncl_status_message(), '\n'));
}

static inline void set(rncl_session *session, const char *name, const char *value)
{
    expect_ok(rncl_session_set(session, name, value));
}

/* Twelve steps of 8 images of 8 x 8, evaluated every other step; the learning rate drops as soon as an
 * evaluation is not better. */
static inline rncl_session *small_session(const char *out)
{
    static const char *const given[][2] = {
        {"arch", "cifar-resnet"}, {"depth", "8"},       {"image", "8"},
        {"batch-size", "8"},      {"steps", "12"},      {"eval-every", "8e-4"},
        {"patience", "1"},        {"augment", "cifar"}, {"workers", "2"},
    };
    rncl_session *session;
    expect_ok(rncl_session_create(&session));
    for (size_t i = 0; i < COUNT(given); i++)
        set(session, given[i][0], given[i][1]);
    if (getenv("RNCL_TEST_DEVICE"))
        set(session, "device", getenv("RNCL_TEST_DEVICE"));
    if (out)
        set(session, "out", out);
    return session;
}

/* All bytes of a file; the caller frees. */
static inline char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    char *bytes = NULL;
    size_t room = 0, got;
    *size = 0;
    do {
        room += 1 << 16;
        bytes = realloc(bytes, room + 1);
        assert_non_null(bytes);
        got = fread(bytes + *size, 1, room - *size, file);
        *size += got;
    } while (got);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static inline void expect_same_file(const char *one, const char *other)
{
    size_t size, other_size;
    char *a = read_file(one, &size), *b = read_file(other, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(a, b, size);
    free(a);
    free(b);
}

static inline void expect_same_run(const char *one, const char *other)
{
    static const char *const names[] = {"model.safetensors", "best.safetensors", "steps.csv"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char a[640], b[640];
        snprintf(a, sizeof a, "%.512s/%s", one, names[i]);
        snprintf(b, sizeof b, "%.512s/%s", other, names[i]);
        expect_same_file(a, b);
    }
}

/* ---- images in memory: squares of noise whose mean tells the class ---- */

enum { SIDE = 12, CHANNELS = 3, CLASSES = 3, IMAGES = 60 };

typedef struct pictures {
    uint8_t pixels[IMAGES][SIDE][SIDE][CHANNELS];
    int32_t labels[IMAGES];
} pictures;

static inline const char *const *class_names(void)
{
    static const char *const names[] = {"dark", "middle", "bright"};
    return names;
}

static inline void draw(pictures *p)
{
    unsigned state = 1;
    for (int i = 0; i < IMAGES; i++) {
        p->labels[i] = i % CLASSES;
        for (int k = 0; k < SIDE * SIDE * CHANNELS; k++) {
            state = state * 1664525u + 1013904223u;
            (&p->pixels[i][0][0][0])[k] = (uint8_t)(80 * p->labels[i] + (int)(state >> 24) / 4);
        }
    }
}

static inline rncl_image_set set_of(const pictures *p)
{
    return (rncl_image_set){.count = IMAGES,
                            .height = SIDE,
                            .width = SIDE,
                            .channels = CHANNELS,
                            .pixels = &p->pixels[0][0][0][0],
                            .labels = p->labels,
                            .classes = CLASSES,
                            .names = class_names()};
}

#endif
