/* The progress line. */
#include "meter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"

static const uint64_t live_interval_ns = 100000000, plain_interval_ns = 10000000000;

enum { LINE_LENGTH = 512, WIDTH_UNKNOWN = 80 };

void rncl_meter_init(rncl_meter *meter, FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    const bool capable = terminal && strcmp(terminal, "dumb") != 0;
    *meter = (rncl_meter){.stream = stream};
    meter->live = isatty(fileno(stream)) && capable;
    meter->colour = meter->live && (!no_colour || !*no_colour);
}

void rncl_meter_duration(double seconds, char *text, size_t size)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e8) {
        snprintf(text, size, "?");
        return;
    }
    const long whole = lround(seconds), hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours)
        snprintf(text, size, "%ld:%02ld:%02ld", hours, minutes, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", minutes, whole % 60);
}

/* One field of a line. */
typedef struct field {
    int rank; /* the field with the highest is dropped first when space is short */
    const char *colour;
    char text[64];
} field;

enum { MOST_FIELDS = 7 };

static size_t line_width(const field *fields)
{
    size_t width = 0;
    for (size_t i = 0; i < MOST_FIELDS; i++)
        if (fields[i].text[0])
            width += strlen(fields[i].text) + (width ? 2 : 0);
    return width;
}

/* False if no field is left. */
static bool drop_least_important(field *fields)
{
    field *least = NULL;
    for (size_t i = 0; i < MOST_FIELDS; i++)
        if (fields[i].text[0] && (!least || fields[i].rank > least->rank))
            least = &fields[i];
    if (least)
        least->text[0] = '\0';
    return least != NULL;
}

/* The epoch, from 1, of the first picture of the step that ended after `epochs` epochs. */
static long epoch_of(double epochs, int64_t step)
{
    const double before = step > 0 ? epochs * (double)(step - 1) / (double)step : 0;
    return (long)floor(before + 1e-9) + 1;
}

#define WRITE(index, ...) snprintf(fields[index].text, sizeof fields[index].text, __VA_ARGS__)

static void fill_step(const rncl_progress *progress, field fields[MOST_FIELDS])
{
    enum { EPOCH, STEP, LOSS, TOP1, SPEED, LEFT, WAITING };
    static const field layout[MOST_FIELDS] = {
        [EPOCH] = {2, "\033[36m", ""},  [STEP] = {5, "", ""},  [LOSS] = {0, "\033[1m", ""},
        [TOP1] = {1, "\033[1;32m", ""}, [SPEED] = {4, "", ""}, [LEFT] = {3, "", ""},
        [WAITING] = {6, "\033[2m", ""},
    };
    const double speed = progress->images_per_second;
    memcpy(fields, layout, sizeof layout);
    if (isfinite(progress->epochs))
        WRITE(EPOCH, "epoch %ld/%ld", epoch_of(progress->epoch, progress->step),
              epoch_of(progress->epochs, progress->steps));
    WRITE(STEP, "step %lld/%lld", (long long)progress->step, (long long)progress->steps);
    WRITE(LOSS, "loss %.4f", progress->loss);
    if (isfinite(progress->top1))
        WRITE(TOP1, "top-1 %.1f %%", progress->top1);
    if (speed > 0 && progress->seconds - progress->first_step_seconds >= RNCL_METER_LEAST_SECONDS)
        WRITE(SPEED, speed < 100 ? "%.1f img/s" : "%.0f img/s", speed);
    if (isfinite(progress->seconds_left)) {
        char left[32];
        rncl_meter_duration(progress->seconds_left, left, sizeof left);
        WRITE(LEFT, "%s left", left);
    }
    if (isfinite(progress->seconds_left) && isfinite(progress->waiting))
        WRITE(WAITING, "%.1f %% waiting", 100 * progress->waiting);
}

static void fill_evaluation(const rncl_progress *progress, field fields[MOST_FIELDS])
{
    enum { EPOCH, STEP, LOSS, TOP1, TOP5, TIME };
    static const field layout[MOST_FIELDS] = {
        [EPOCH] = {2, "", ""},          [STEP] = {5, "", ""}, [LOSS] = {1, "", ""},
        [TOP1] = {0, "\033[1;32m", ""}, [TOP5] = {3, "", ""}, [TIME] = {4, "", ""},
    };
    char time[32];
    rncl_meter_duration(progress->seconds, time, sizeof time);
    memcpy(fields, layout, sizeof layout);
    WRITE(EPOCH, "epoch %ld/%ld", epoch_of(progress->epoch, progress->step),
          epoch_of(progress->epochs, progress->steps));
    WRITE(STEP, "step %lld", (long long)progress->step);
    WRITE(LOSS, "validation loss %.4f", progress->val_loss);
    WRITE(TOP1, "top-1 %.2f %%", progress->val_top1);
    WRITE(TOP5, "top-5 %.2f %%", progress->val_top5);
    WRITE(TIME, "after %s", time);
}

#undef WRITE

void rncl_meter_format(const rncl_progress *progress, size_t width, bool colour, char *text, size_t size)
{
    field fields[MOST_FIELDS] = {{0}};
    (progress->evaluated ? fill_evaluation : fill_step)(progress, fields);
    while (line_width(fields) > width && drop_least_important(fields))
        ;
    text[0] = '\0';
    for (size_t i = 0, length = 0; i < MOST_FIELDS && length < size; i++) {
        if (!fields[i].text[0])
            continue;
        const bool painted = colour && fields[i].colour[0];
        length += (size_t)snprintf(text + length, size - length, "%s%s%s%s", length ? "  " : "",
                                   painted ? fields[i].colour : "", fields[i].text, painted ? "\033[0m" : "");
    }
}

size_t rncl_stream_width(FILE *stream)
{
    struct winsize window;
    if (ioctl(fileno(stream), TIOCGWINSZ, &window) != 0 || window.ws_col < 2)
        return WIDTH_UNKNOWN;
    return window.ws_col;
}

/* Characters of a line. The last column of a terminal stays free, so that the line does not wrap. */
static size_t line_room(const rncl_meter *meter)
{
    return rncl_stream_width(meter->stream) - meter->live;
}

void rncl_meter_clear(rncl_meter *meter)
{
    if (!meter->drawn)
        return;
    fputs("\r\033[K", meter->stream);
    fflush(meter->stream);
    meter->drawn = false;
}

/* Columns that `length` bytes of UTF-8 take; escape sequences of colours take none. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\033')
            i += strcspn(text + i, "m");
        else
            count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Column at which the text after a label begins. Labels are short and end with two or more blanks. */
static size_t label_width(const char *line)
{
    enum { LONGEST_LABEL = 12 };
    const char *gap = strstr(line, "  ");
    if (!gap || gap - line > LONGEST_LABEL)
        return 2;
    return (size_t)(gap - line) + strspn(gap, " ");
}

/* Bytes of `text` that fit into a line of `room` columns, broken at a blank if there is one. */
static size_t fitting_length(const char *text, size_t room)
{
    size_t length = 0, word_end = 0;
    while (text[length] && columns(text, length + 1) <= room) {
        length++;
        if (text[length] == ' ' && text[length - 1] != ' ')
            word_end = length;
    }
    return text[length] && word_end ? word_end : length;
}

void rncl_meter_line(rncl_meter *meter, const char *line)
{
    size_t room = line_room(meter), hanging = label_width(line);
    if (room < 2 * hanging)
        hanging = 0;
    const size_t rest_room = room - hanging;
    rncl_meter_clear(meter);
    while (meter->live && columns(line, strlen(line)) > room) {
        const size_t length = fitting_length(line, room);
        fprintf(meter->stream, "%.*s\n%*s", (int)length, line, (int)hanging, "");
        line += length + strspn(line + length, " ");
        room = rest_room;
    }
    fprintf(meter->stream, "%s\n", line);
    fflush(meter->stream);
}

/* Whether the interval since the last output is over; if so, starts the next interval. */
static bool is_due(rncl_meter *meter)
{
    const uint64_t now = rncl_time_ns();
    if (meter->shown && now - meter->last_time_ns < (meter->live ? live_interval_ns : plain_interval_ns))
        return false;
    meter->last_time_ns = now;
    meter->shown = true;
    return true;
}

/* Whether nothing has been shown for an interval, which begins with the first call. Does not set `shown`,
 * so that the first step's line is not delayed by a remark. */
static bool is_long_silent(rncl_meter *meter)
{
    const uint64_t now = rncl_time_ns();
    const bool silent = meter->last_time_ns && now - meter->last_time_ns >= plain_interval_ns;
    if (silent || !meter->last_time_ns)
        meter->last_time_ns = now;
    return silent;
}

static void draw(rncl_meter *meter, const char *line)
{
    fprintf(meter->stream, "\r%s\033[K", line);
    fflush(meter->stream);
    meter->drawn = true;
}

void rncl_meter_status(rncl_meter *meter, const char *text)
{
    char line[LINE_LENGTH];
    if (meter->live && is_due(meter)) {
        snprintf(line, sizeof line, "%.*s", (int)fitting_length(text, line_room(meter)), text);
        draw(meter, line);
    } else if (!meter->live && is_long_silent(meter)) {
        rncl_meter_line(meter, text);
    }
}

void rncl_meter_show(rncl_meter *meter, const rncl_progress *progress)
{
    char line[LINE_LENGTH];
    if (!progress->evaluated && !is_due(meter))
        return;
    rncl_meter_format(progress, line_room(meter), meter->colour, line, sizeof line);
    if (meter->live && !progress->evaluated)
        draw(meter, line);
    else
        rncl_meter_line(meter, line);
}
