/* One event a record, one value an event. */
#include "event_file.h"

#ifdef RNCL_WITH_EVENTS

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event.pb-c.h"
#include "record_file.h"
#include "util.h"

struct rncl_event_file {
    rncl_record_file *records;
};

static double wall_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static rncl_status write_event(rncl_event_file *file, Events__Event *event, int64_t step)
{
    event->wall_time = wall_time();
    event->step = step;
    const size_t size = events__event__get_packed_size(event);
    unsigned char *bytes = malloc(size);
    if (!bytes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an event of %zu bytes", size);
    events__event__pack(event, bytes);
    const rncl_status st = rncl_record_file_write(file->records, bytes, size);
    free(bytes);
    return st;
}

static rncl_status write_value(rncl_event_file *file, int64_t step, Events__Summary__Value *value)
{
    Events__Summary summary = EVENTS__SUMMARY__INIT;
    Events__Event event = EVENTS__EVENT__INIT;
    summary.n_value = 1;
    summary.value = &value;
    event.what_case = EVENTS__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(file, &event, step);
}

/* Readers drop what earlier files tell of `step` and later ones when a session starts there. */
static rncl_status write_head(rncl_event_file *file, int64_t step)
{
    Events__Event version = EVENTS__EVENT__INIT, start = EVENTS__EVENT__INIT;
    Events__SessionLog log = EVENTS__SESSION_LOG__INIT;
    char text[] = "brain.Event:2";
    version.what_case = EVENTS__EVENT__WHAT_FILE_VERSION;
    version.file_version = text;
    RNCL_TRY(write_event(file, &version, 0));
    log.status = EVENTS__SESSION_LOG__SESSION_STATUS__START;
    start.what_case = EVENTS__EVENT__WHAT_SESSION_LOG;
    start.session_log = &log;
    return write_event(file, &start, step);
}

rncl_status rncl_event_file_create(const char *folder, int64_t step, rncl_event_file **out)
{
    rncl_event_file *file = *out = calloc(1, sizeof *file);
    if (!file)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an event file in %s", folder);
    rncl_status st = rncl_record_file_create(folder, &file->records);
    if (!st)
        st = write_head(file, step);
    if (!st)
        st = rncl_event_file_flush(file);
    if (st) {
        rncl_event_file_destroy(file);
        *out = NULL;
    }
    return st;
}

void rncl_event_file_destroy(rncl_event_file *file)
{
    if (!file)
        return;
    rncl_record_file_destroy(file->records);
    free(file);
}

rncl_status rncl_event_file_flush(rncl_event_file *file)
{
    return rncl_record_file_flush(file->records);
}

/* ---- values ---- */

static Events__Summary__Value value_of(const char *tag, Events__Summary__Value__ValueCase kind)
{
    Events__Summary__Value value = EVENTS__SUMMARY__VALUE__INIT;
    value.tag = (char *)(uintptr_t)tag; /* only read */
    value.value_case = kind;
    return value;
}

rncl_status rncl_event_file_number(rncl_event_file *file, int64_t step, const char *tag, double number)
{
    Events__Summary__Value value = value_of(tag, EVENTS__SUMMARY__VALUE__VALUE_SIMPLE_VALUE);
    value.simple_value = (float)number;
    return write_value(file, step, &value);
}

enum { BUCKETS = 64 };

/* Of equal width; TensorBoard makes fewer of them. Where all values are equal, one. */
static void fill_buckets(Events__HistogramProto *histogram, const float *values, size_t count)
{
    const double width = (histogram->max - histogram->min) / BUCKETS;
    const size_t buckets = width > 0 ? BUCKETS : 1;
    histogram->n_bucket = histogram->n_bucket_limit = buckets;
    for (size_t i = 0; i < buckets; i++)
        histogram->bucket_limit[i] =
            i + 1 < buckets ? histogram->min + width * (double)(i + 1) : histogram->max;
    for (size_t i = 0; i < count; i++) {
        const double value = (double)values[i];
        if (isfinite(value))
            histogram->bucket[width > 0 ? MIN((size_t)((value - histogram->min) / width), BUCKETS - 1) : 0]++;
    }
}

rncl_status rncl_event_file_histogram(rncl_event_file *file, int64_t step, const char *tag,
                                      const float *values, size_t count)
{
    Events__HistogramProto histogram = EVENTS__HISTOGRAM_PROTO__INIT;
    double limits[BUCKETS], counts[BUCKETS] = {0};
    histogram.min = INFINITY;
    histogram.max = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const double value = (double)values[i];
        if (!isfinite(value))
            continue;
        histogram.min = fmin(histogram.min, value);
        histogram.max = fmax(histogram.max, value);
        histogram.num++;
        histogram.sum += value;
        histogram.sum_squares += value * value;
    }
    if (!(histogram.num > 0))
        return RNCL_OK;
    histogram.bucket_limit = limits;
    histogram.bucket = counts;
    fill_buckets(&histogram, values, count);
    Events__Summary__Value value = value_of(tag, EVENTS__SUMMARY__VALUE__VALUE_HISTO);
    value.histo = &histogram;
    return write_value(file, step, &value);
}

rncl_status rncl_event_file_picture(rncl_event_file *file, int64_t step, const char *tag,
                                    const rncl_raster *picture)
{
    enum { COLOURS = 3 };
    Events__Summary__Image image = EVENTS__SUMMARY__IMAGE__INIT;
    image.width = picture->width;
    image.height = picture->height;
    image.colorspace = COLOURS;
    RNCL_TRY(rncl_raster_png(picture, &image.encoded_image_string.data, &image.encoded_image_string.len));
    Events__Summary__Value value = value_of(tag, EVENTS__SUMMARY__VALUE__VALUE_IMAGE);
    value.image = &image;
    const rncl_status st = write_value(file, step, &value);
    free(image.encoded_image_string.data);
    return st;
}

/* A string tensor without dimensions. */
rncl_status rncl_event_file_text(rncl_event_file *file, int64_t step, const char *tag, const char *markdown)
{
    enum { DT_STRING = 7 };
    Events__SummaryMetadata__PluginData plugin = EVENTS__SUMMARY_METADATA__PLUGIN_DATA__INIT;
    Events__SummaryMetadata metadata = EVENTS__SUMMARY_METADATA__INIT;
    Events__TensorShapeProto shape = EVENTS__TENSOR_SHAPE_PROTO__INIT;
    Events__TensorProto tensor = EVENTS__TENSOR_PROTO__INIT;
    ProtobufCBinaryData text = {strlen(markdown), (uint8_t *)(uintptr_t)markdown}; /* only read */
    char name[] = "text";
    plugin.plugin_name = name;
    metadata.plugin_data = &plugin;
    tensor.dtype = DT_STRING;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = 1;
    tensor.string_val = &text;
    Events__Summary__Value value = value_of(tag, EVENTS__SUMMARY__VALUE__VALUE_TENSOR);
    value.tensor = &tensor;
    value.metadata = &metadata;
    return write_value(file, step, &value);
}

#endif
