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

/* One field of the line. */
typedef struct field {
    int rank; /* the highest goes first when space is short */
    const char *colour;
    char text[64];
} field;

static size_t line_width(const field *fields, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (fields[i].text[0])
            width += strlen(fields[i].text) + (width ? 2 : 0);
    return width;
}

static void drop_least_important(field *fields, size_t count)
{
    field *least = NULL;
    for (size_t i = 0; i < count; i++)
        if (fields[i].text[0] && (!least || fields[i].rank > least->rank))
            least = &fields[i];
    if (least)
        least->text[0] = '\0';
}

void rncl_meter_format(const rncl_meter_reading *reading, size_t width, bool colour, char *text, size_t size)
{
    enum { EPOCH, STEP, LOSS, TOP1, SPEED, LEFT, WAITING };
    field fields[] = {
        [EPOCH] = {2, "\033[36m", ""},  [STEP] = {6, "", ""},  [LOSS] = {0, "\033[1m", ""},
        [TOP1] = {1, "\033[1;32m", ""}, [SPEED] = {4, "", ""}, [LEFT] = {3, "", ""},
        [WAITING] = {5, "\033[2m", ""},
    };
    char left[32];
    rncl_meter_duration(reading->seconds_left, left, sizeof left);
#define FIELD(index, ...) snprintf(fields[index].text, sizeof fields[index].text, __VA_ARGS__)
    FIELD(EPOCH, "epoch %.2f/%.4g", reading->epoch, reading->epochs);
    FIELD(STEP, "step %lld/%lld", (long long)reading->step, (long long)reading->steps);
    FIELD(LOSS, "loss %.4f", reading->loss);
    FIELD(TOP1, "top-1 %.1f %%", reading->top1);
    FIELD(SPEED, reading->images_per_second < 100 ? "%.1f img/s" : "%.0f img/s", reading->images_per_second);
    FIELD(LEFT, "%s left", left);
    FIELD(WAITING, "%.1f %% waiting", 100 * reading->waiting);
#undef FIELD
    for (size_t i = 0; i < COUNT(fields) && line_width(fields, COUNT(fields)) > width; i++)
        drop_least_important(fields, COUNT(fields));

    text[0] = '\0';
    for (size_t i = 0, length = 0; i < COUNT(fields) && length < size; i++) {
        if (!fields[i].text[0])
            continue;
        const bool painted = colour && fields[i].colour[0];
        length += (size_t)snprintf(text + length, size - length, "%s%s%s%s", length ? "  " : "",
                                   painted ? fields[i].colour : "", fields[i].text, painted ? "\033[0m" : "");
    }
}

/* Characters of a live line. One column stays free, so that no terminal wraps. */
static size_t line_room(const rncl_meter *meter)
{
    struct winsize window;
    if (ioctl(fileno(meter->stream), TIOCGWINSZ, &window) != 0 || window.ws_col < 2)
        return WIDTH_UNKNOWN - 1;
    return (size_t)window.ws_col - 1;
}

void rncl_meter_clear(rncl_meter *meter)
{
    if (!meter->drawn)
        return;
    fputs("\r\033[K", meter->stream);
    fflush(meter->stream);
    meter->drawn = false;
}

void rncl_meter_line(rncl_meter *meter, const char *line)
{
    rncl_meter_clear(meter);
    fprintf(meter->stream, "%s\n", line);
    fflush(meter->stream);
}

static void show_evaluation(rncl_meter *meter, const rncl_meter_reading *reading)
{
    char line[LINE_LENGTH], time[32];
    rncl_meter_duration(reading->seconds, time, sizeof time);
    snprintf(line, sizeof line,
             "epoch %.2f  step %lld  validation: loss %.4f  %stop-1 %.2f %%%s  top-5 %.2f %%  after %s",
             reading->epoch, (long long)reading->step, reading->val_loss, meter->colour ? "\033[1;32m" : "",
             reading->val_top1, meter->colour ? "\033[0m" : "", reading->val_top5, time);
    rncl_meter_line(meter, line);
}

/* Whether it is time for something new; remembers that there was something. */
static bool is_due(rncl_meter *meter)
{
    const uint64_t now = rncl_time_ns();
    if (meter->shown && now - meter->last_time_ns < (meter->live ? live_interval_ns : plain_interval_ns))
        return false;
    meter->last_time_ns = now;
    meter->shown = true;
    return true;
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
    if (!meter->live || !is_due(meter))
        return;
    snprintf(line, sizeof line, "%.*s", (int)line_room(meter), text);
    draw(meter, line);
}

void rncl_meter_show(rncl_meter *meter, const rncl_meter_reading *reading)
{
    char line[LINE_LENGTH];
    if (reading->evaluated)
        show_evaluation(meter, reading);
    else if (!is_due(meter))
        return;
    else if (meter->live) {
        rncl_meter_format(reading, line_room(meter), meter->colour, line, sizeof line);
        draw(meter, line);
    } else {
        rncl_meter_format(reading, sizeof line, false, line, sizeof line);
        rncl_meter_line(meter, line);
    }
}
