/* Event files: records and checksums by a reader of the test's own, messages by protobuf-c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "crc32c.h"
#include "event.pb-c.h"
#include "event_file.h"
#include "file.h"
#include "folder.h"

/* Bit by bit, as RFC 3720 defines it. */
static uint32_t slow_crc(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < 8 * size; i++) {
        const uint32_t bit = (crc ^ (uint32_t)(data[i / 8] >> i % 8)) & 1;
        crc = crc >> 1 ^ (bit ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static uint32_t read_number(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

enum { MOST_EVENTS = 16 };

typedef struct events {
    Events__Event *list[MOST_EVENTS];
    size_t count;
} events;

/* Every record of the folder's one event file; checks what is around them. */
static events read_events(void)
{
    events e = {0};
    glob_t found;
    rncl_contents file;
    assert_int_equal(glob("events/events.out.tfevents.*", 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_int_equal(rncl_file_read(found.gl_pathv[0], &file), RNCL_OK);
    globfree(&found);
    for (size_t at = 0; at < file.size_bytes;) {
        const unsigned char *record = file.data + at;
        assert_true(file.size_bytes - at > 16);
        const uint32_t length = read_number(record);
        assert_int_equal(read_number(record + 4), 0);
        assert_int_equal(read_number(record + 8), masked(slow_crc(record, 8)));
        assert_true(file.size_bytes - at >= 16 + (size_t)length);
        assert_int_equal(read_number(record + 12 + length), masked(slow_crc(record + 12, length)));
        assert_true(e.count < MOST_EVENTS);
        e.list[e.count] = events__event__unpack(NULL, length, record + 12);
        assert_non_null(e.list[e.count++]);
        at += 16 + (size_t)length;
    }
    rncl_contents_free(&file);
    return e;
}

static void free_events(events *e)
{
    for (size_t i = 0; i < e->count; i++)
        events__event__free_unpacked(e->list[i], NULL);
}

static Events__Summary__Value *value_of(const Events__Event *event, int64_t step, const char *tag)
{
    assert_non_null(event);
    if (!event) /* for those who do not know that assertions do not return */
        abort();
    assert_int_equal(event->what_case, EVENTS__EVENT__WHAT_SUMMARY);
    assert_int_equal(event->summary->n_value, 1);
    assert_int_equal(event->step, step);
    assert_string_equal(event->summary->value[0]->tag, tag);
    return event->summary->value[0];
}

static void the_checksum_is_that_of_rfc_3720(void **state)
{
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(rncl_crc32c("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(rncl_crc32c(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(rncl_crc32c(bytes, sizeof bytes), 0x62a8ab43);
    assert_int_equal(rncl_crc32c(bytes, 0), 0);
}

static void a_file_begins_with_its_version_and_the_step_that_it_starts_at(void **state)
{
    (void)state;
    rncl_event_file *file;
    assert_int_equal(rncl_event_file_create("events", 81, &file), RNCL_OK);
    rncl_event_file_destroy(file);
    events e = read_events();
    assert_int_equal(e.count, 2);
    assert_string_equal(e.list[0]->file_version, "brain.Event:2");
    assert_int_equal(e.list[1]->what_case, EVENTS__EVENT__WHAT_SESSION_LOG);
    assert_int_equal(e.list[1]->session_log->status, EVENTS__SESSION_LOG__SESSION_STATUS__START);
    assert_int_equal(e.list[1]->step, 81);
    assert_true(e.list[1]->wall_time > 1e9);
    free_events(&e);
}

static void values_come_back_as_they_were_written(void **state)
{
    (void)state;
    rncl_event_file *file;
    rncl_raster picture;
    const float weights[] = {-1, NAN, 0, 0.5F, 1, INFINITY};
    assert_int_equal(rncl_raster_create(5, 4, &picture), RNCL_OK);
    assert_int_equal(rncl_event_file_create("events", 1, &file), RNCL_OK);
    assert_int_equal(rncl_event_file_number(file, 7, "step/loss", 0.25), RNCL_OK);
    assert_int_equal(rncl_event_file_histogram(file, 8, "weights/fc", weights, 6), RNCL_OK);
    assert_int_equal(rncl_event_file_histogram(file, 8, "weights/none", weights + 1, 1), RNCL_OK);
    assert_int_equal(rncl_event_file_picture(file, 9, "samples/0", &picture), RNCL_OK);
    assert_int_equal(rncl_event_file_text(file, 9, "samples/answers", "| a |"), RNCL_OK);
    rncl_event_file_destroy(file);
    rncl_raster_fini(&picture);
    events e = read_events();
    assert_int_equal(e.count, 2 + 4);
    assert_true(value_of(e.list[2], 7, "step/loss")->simple_value == 0.25F);
    const Events__HistogramProto *histogram = value_of(e.list[3], 8, "weights/fc")->histo;
    double in_buckets = 0;
    for (size_t i = 0; i < histogram->n_bucket; i++) {
        in_buckets += histogram->bucket[i];
        assert_true(i == 0 || histogram->bucket_limit[i] > histogram->bucket_limit[i - 1]);
    }
    assert_int_equal(histogram->n_bucket, histogram->n_bucket_limit);
    assert_true(in_buckets == 4 && histogram->num == 4 && histogram->sum == 0.5);
    assert_true(histogram->min == -1 && histogram->max == 1 && histogram->sum_squares == 2.25);
    const Events__Summary__Image *image = value_of(e.list[4], 9, "samples/0")->image;
    assert_int_equal(image->width, 5);
    assert_int_equal(image->height, 4);
    assert_memory_equal(image->encoded_image_string.data, "\x89PNG", 4);
    const Events__Summary__Value *text = value_of(e.list[5], 9, "samples/answers");
    assert_string_equal(text->metadata->plugin_data->plugin_name, "text");
    assert_memory_equal(text->tensor->string_val[0].data, "| a |", 5);
    free_events(&e);
}

static void equal_values_are_one_bucket(void **state)
{
    (void)state;
    rncl_event_file *file;
    const float ones[] = {1, 1, 1};
    assert_int_equal(rncl_event_file_create("events", 1, &file), RNCL_OK);
    assert_int_equal(rncl_event_file_histogram(file, 1, "weights/bn", ones, 3), RNCL_OK);
    rncl_event_file_destroy(file);
    events e = read_events();
    const Events__HistogramProto *histogram = value_of(e.list[2], 1, "weights/bn")->histo;
    assert_int_equal(histogram->n_bucket, 1);
    assert_true(histogram->bucket[0] == 3 && histogram->min == 1 && histogram->max == 1);
    free_events(&e);
}

static int empty_folder(void **state)
{
    (void)state;
    return system("rm -rf events && mkdir events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_that_of_rfc_3720),
        cmocka_unit_test_setup(a_file_begins_with_its_version_and_the_step_that_it_starts_at, empty_folder),
        cmocka_unit_test_setup(values_come_back_as_they_were_written, empty_folder),
        cmocka_unit_test_setup(equal_values_are_one_bucket, empty_folder),
    };
    return cmocka_run_group_tests_name("event files", tests, make_folder, remove_folder);
}
