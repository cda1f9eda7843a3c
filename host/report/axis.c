/* Ends and ticks at round numbers. */
#include "axis.h"

#include <math.h>

#include "number.h"
#include "util.h"

/* Ends a little short of a tick still have it: 0.1 is no sum of hundredths. */
static const double slack = 1e-6;

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps make up `most`. */
static double nice_step(double most, int wanted)
{
    const double raw = most / wanted, power = pow(10, floor(log10(raw))), share = raw / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

rncl_axis rncl_axis_linear(double most, int ticks)
{
    const double to = most > 0 ? most : 1;
    return (rncl_axis){.to = to, .step = nice_step(to, ticks)};
}

rncl_axis rncl_axis_rounded(double most, int ticks)
{
    rncl_axis axis = rncl_axis_linear(most, ticks);
    axis.to = ceil(axis.to / axis.step - slack) * axis.step;
    return axis;
}

rncl_axis rncl_axis_between(double least, double most, int ticks)
{
    if (!(most > least))
        return rncl_axis_rounded(most, ticks);
    const double step = nice_step(most - least, ticks);
    return (rncl_axis){
        .from = floor(least / step + slack) * step, .to = ceil(most / step - slack) * step, .step = step};
}

static const double digits[] = {1, 2, 5, 10};

static double round_down(double value)
{
    const double power = pow(10, floor(log10(value) + slack));
    size_t i = COUNT(digits) - 1;
    while (i > 0 && digits[i] * power > value * (1 + slack))
        i--;
    return digits[i] * power;
}

static double round_up(double value)
{
    const double power = pow(10, floor(log10(value) + slack));
    size_t i = 0;
    while (i + 1 < COUNT(digits) && digits[i] * power < value * (1 - slack))
        i++;
    return digits[i] * power;
}

rncl_axis rncl_axis_logarithmic(double least, double most)
{
    rncl_axis axis = {.from = round_down(least), .to = round_up(most), .logarithmic = true};
    if (axis.to <= axis.from)
        axis.to = 10 * axis.from;
    return axis;
}

double rncl_axis_at(const rncl_axis *axis, double value)
{
    const double share = axis->logarithmic ? log(value / axis->from) / log(axis->to / axis->from)
                                           : (value - axis->from) / (axis->to - axis->from);
    return axis->first + share * (axis->last - axis->first);
}

/* As many decimal places as the step has; 20000 becomes 20k. */
static void label_linear(const rncl_axis *axis, rncl_axis_tick *tick)
{
    const bool thousands = axis->to >= 10000 && axis->step >= 1000;
    const double unit = thousands ? 1000 : 1;
    const int places = (int)fmax(0, -floor(log10(axis->step / unit) + slack));
    rncl_number_format(tick->text, sizeof tick->text, thousands ? "%.*fk" : "%.*f", places,
                       tick->value / unit);
}

/* Over few decades 2 and 5 are labelled as well. */
static void label_logarithmic(const rncl_axis *axis, int digit, rncl_axis_tick *tick)
{
    const bool few = axis->to / axis->from < 300;
    if (digit == 1 || (few && (digit == 2 || digit == 5)))
        rncl_number_format(tick->text, sizeof tick->text, "%g", tick->value);
}

static size_t ticks_linear(const rncl_axis *axis, rncl_axis_tick *ticks)
{
    const double first = ceil(axis->from / axis->step - slack);
    size_t count = 0;
    for (; count < RNCL_AXIS_TICKS; count++) {
        const double value = (first + (double)count) * axis->step;
        if (value > axis->to * (1 + slack))
            break;
        ticks[count] = (rncl_axis_tick){.value = value};
        label_linear(axis, &ticks[count]);
    }
    return count;
}

static size_t ticks_logarithmic(const rncl_axis *axis, rncl_axis_tick *ticks)
{
    size_t count = 0;
    for (int decade = (int)floor(log10(axis->from) + slack); count < RNCL_AXIS_TICKS; decade++)
        for (int digit = 1; digit < 10 && count < RNCL_AXIS_TICKS; digit++) {
            const double value = digit * pow(10, decade);
            if (value > axis->to * (1 + slack))
                return count;
            if (value < axis->from * (1 - slack))
                continue;
            ticks[count] = (rncl_axis_tick){.value = value};
            label_logarithmic(axis, digit, &ticks[count++]);
        }
    return count;
}

size_t rncl_axis_ticks(const rncl_axis *axis, rncl_axis_tick ticks[RNCL_AXIS_TICKS])
{
    return axis->logarithmic ? ticks_logarithmic(axis, ticks) : ticks_linear(axis, ticks);
}
