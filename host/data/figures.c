/* Signed distances after Quilez (iquilezles.org/articles/distfunctions2d), near enough for anti-aliasing at
 * the outline. */
#include "figures.h"

#include <math.h>

#include "util.h"

static float length(float x, float y)
{
    return sqrtf(x * x + y * y);
}

/* Half the side of a square. */
static float box(float x, float y, float half)
{
    return MAX(fabsf(x), fabsf(y)) - half;
}

/* A triangle wave of period 1 and slope 1: its zeros are at 0 and 1/2, and it is negative between 0 and 1/2.
 */
static float wave(float t)
{
    t += 0.25f;
    float fraction = t - (float)(int)t;
    fraction += fraction < 0 ? 1.0f : 0.0f;
    return fabsf(fraction - 0.5f) - 0.25f;
}

static float disc(float x, float y, float variant)
{
    return length(x, y) - 0.8f - 0.15f * variant;
}

static float ring(float x, float y, float variant)
{
    float half_width = 0.13f + 0.08f * variant;
    return fabsf(length(x, y) - 0.95f + half_width) - half_width;
}

static float square(float x, float y, float variant)
{
    return box(x, y, 0.64f + 0.06f * variant);
}

static float triangle(float x, float y, float variant)
{
    const float cos30 = 0.8660254f;
    float inradius = 0.42f + 0.08f * variant;
    return MAX(cos30 * fabsf(x) + 0.5f * y, -y) - inradius;
}

/* Five points: two reflections bring every point next to one edge. */
static float star(float x, float y, float variant)
{
    const float cos36 = 0.809016994f, sin36 = 0.587785252f;
    const float inner = 0.38f + 0.08f * variant;
    x = fabsf(x);
    float across = 2 * MAX(cos36 * x - sin36 * y, 0.0f);
    x -= across * cos36;
    y += across * sin36;
    across = 2 * MAX(-cos36 * x - sin36 * y, 0.0f);
    x = fabsf(x + across * cos36);
    y += across * sin36 - 1;
    float edge_x = inner * sin36, edge_y = inner * cos36 - 1; /* from a point of the star to the next notch */
    float along = (x * edge_x + y * edge_y) / (edge_x * edge_x + edge_y * edge_y);
    along = MIN(MAX(along, 0.0f), 1.0f);
    float distance = length(x - edge_x * along, y - edge_y * along);
    return y * edge_x > x * edge_y ? distance : -distance;
}

static float cross(float x, float y, float variant)
{
    float longer = MAX(fabsf(x), fabsf(y)), shorter = MIN(fabsf(x), fabsf(y));
    return MAX(longer - 0.95f, shorter - 0.2f - 0.1f * variant);
}

static float crescent(float x, float y, float variant)
{
    return MAX(length(x, y) - 0.95f, 0.75f - length(x - 0.42f - 0.1f * variant, y));
}

static float stripes(float x, float y, float variant)
{
    float per_unit = 1.7f + 0.5f * variant;
    return MAX(length(x, y) - 0.98f, wave(y * per_unit) / per_unit);
}

/* Distance along one axis to the nearest of the lines inside a board, of alternating sign from field to
 * field. */
static float field(float x, float half)
{
    float middle = fabsf(x), outer = middle - 0.5f * half;
    float distance = MIN(middle, fabsf(outer));
    return (x < 0) != (outer > 0) ? -distance : distance;
}

/* Four fields by four. */
static float checkerboard(float x, float y, float variant)
{
    float half = 0.68f + 0.06f * variant;
    float across = field(x, half), down = field(y, half);
    float distance = MIN(fabsf(across), fabsf(down));
    return MAX(box(x, y, half), across * down > 0 ? -distance : distance);
}

/* One in the middle, six around it. */
static float dots(float x, float y, float variant)
{
    static const float centres[7][2] = {
        {0, 0},     {0.7f, 0},           {0.35f, 0.60622f}, {-0.35f, 0.60622f},
        {-0.7f, 0}, {-0.35f, -0.60622f}, {0.35f, -0.60622f}};
    float least = 4;
    for (int i = 0; i < 7; i++) {
        float across = x - centres[i][0], down = y - centres[i][1];
        float squared = across * across + down * down;
        least = MIN(least, squared);
    }
    return sqrtf(least) - 0.2f - 0.05f * variant;
}

#define FIGURES(X)                                                                                           \
    X(disc) X(ring) X(square) X(triangle) X(star) X(cross) X(crescent) X(stripes) X(checkerboard) X(dots)

#define X(name) #name,
const char *const rncl_figure_names[RNCL_FIGURES] = {FIGURES(X)};
#undef X

#define X(name) name,
const rncl_figure_distance rncl_figures[RNCL_FIGURES] = {FIGURES(X)};
#undef X
