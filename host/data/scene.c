/* Composes the pictures of the generated set and paints them, pixel by pixel, with anti-aliased edges. */
#include "scene.h"

#include <math.h>

#include "figures.h"
#include "util.h"

enum { CHANNELS = RNCL_SCENE_CHANNELS };

static float clamp(float value, float least, float most)
{
    return MIN(MAX(value, least), most);
}

static float between(rncl_random *random, float least, float most)
{
    return least + (most - least) * rncl_random_uniform(random);
}

static void draw_colour(rncl_random *random, float least, float most, float *colour)
{
    for (int i = 0; i < CHANNELS; i++)
        colour[i] = between(random, least, most);
}

/* A colour that nobody takes for the ground's. */
static void draw_ink(rncl_random *random, const float *ground, float *ink)
{
    const float least_distance = 0.6f;
    float squared;
    do {
        draw_colour(random, 0, 1, ink);
        squared = 0;
        for (int i = 0; i < CHANNELS; i++)
            squared += (ink[i] - ground[i]) * (ink[i] - ground[i]);
    } while (squared < least_distance * least_distance);
}

static void init_ground(rncl_scene *scene, rncl_random *random)
{
    const float slope = 0.2f, step = 0.15f, blotch = 0.12f;
    const float turn = 6.2831853f;
    draw_colour(random, 0.1f, 0.9f, scene->ground);
    draw_colour(random, -slope, slope, scene->across);
    draw_colour(random, -slope, slope, scene->down);
    draw_colour(random, -step, step, scene->step);
    float angle = between(random, 0, turn);
    scene->edge_x = cosf(angle);
    scene->edge_y = sinf(angle);
    scene->edge_offset = between(random, -0.3f, 0.3f) - 0.5f * (scene->edge_x + scene->edge_y);
    for (int i = 0; i < RNCL_SCENE_LATTICE; i++)
        for (int j = 0; j < RNCL_SCENE_LATTICE; j++)
            scene->blotches[i][j] = between(random, -blotch, blotch);
    scene->grain = between(random, 0, 0.15f) / 127.5f;
    scene->grain_seed = rncl_random_u32(random);
}

static void init_sticks(rncl_scene *scene, rncl_random *random)
{
    scene->stick_count = (int)rncl_random_below(random, RNCL_SCENE_STICKS + 1);
    for (int i = 0; i < scene->stick_count; i++) {
        rncl_scene_stick *stick = &scene->sticks[i];
        stick->x = between(random, 0, 1);
        stick->y = between(random, 0, 1);
        stick->across = between(random, -0.6f, 0.6f);
        stick->down = between(random, -0.6f, 0.6f);
        float squared_length = stick->across * stick->across + stick->down * stick->down;
        stick->per_squared_length = 1 / MAX(squared_length, 1e-6f);
        stick->half_width = between(random, 0.008f, 0.025f);
        draw_colour(random, 0, 1, stick->colour);
    }
}

static void init_figure(rncl_scene *scene, int figure, rncl_random *random)
{
    const float turn = 6.2831853f, tint = 0.15f;
    scene->figure = figure;
    scene->variant = between(random, 0, 1);
    scene->radius = between(random, 0.26f, 0.44f);
    float free = 1 - 2 * scene->radius; /* the whole figure stays inside the picture */
    scene->x = scene->radius + free * rncl_random_uniform(random);
    scene->y = scene->radius + free * rncl_random_uniform(random);
    float angle = between(random, 0, turn);
    scene->cosine = cosf(angle) / scene->radius;
    scene->sine = sinf(angle) / scene->radius;
    draw_ink(random, scene->ground, scene->ink);
    draw_colour(random, -tint, tint, scene->ink_across);
}

void rncl_scene_init(rncl_scene *scene, int figure, rncl_random *random)
{
    init_ground(scene, random);
    init_sticks(scene, random);
    init_figure(scene, figure, random);
}

/* Bits that look random (Wellons' lowbias32): a stream for every pixel would cost more than the picture. */
static uint32_t scramble(uint32_t bits)
{
    bits = (bits ^ bits >> 16) * 0x7feb352du;
    bits = (bits ^ bits >> 15) * 0x846ca68bu;
    return bits ^ bits >> 16;
}

/* The lattice between its points, interpolated. */
static float blotch_at(const rncl_scene *scene, float x, float y)
{
    float column = x * (RNCL_SCENE_LATTICE - 1), row = y * (RNCL_SCENE_LATTICE - 1);
    int j = (int)column, i = (int)row;
    column -= (float)j;
    row -= (float)i;
    const float *above = scene->blotches[i], *below = scene->blotches[i + 1];
    float top = above[j] + (above[j + 1] - above[j]) * column;
    float bottom = below[j] + (below[j + 1] - below[j]) * column;
    return top + (bottom - top) * row;
}

static void blend(float *colour, const float *over, float coverage)
{
    for (int i = 0; i < CHANNELS; i++)
        colour[i] += (over[i] - colour[i]) * coverage;
}

/* How much of a pixel lies inside an outline at a signed distance in pictures. */
static float coverage_at(float distance, float size)
{
    return clamp(0.5f - distance * size, 0, 1);
}

static void paint_ground(const rncl_scene *scene, float x, float y, float size, float *colour)
{
    float beyond = coverage_at(x * scene->edge_x + y * scene->edge_y + scene->edge_offset, size);
    float blotch = blotch_at(scene, x, y);
    for (int i = 0; i < CHANNELS; i++)
        colour[i] = scene->ground[i] + scene->across[i] * (x - 0.5f) + scene->down[i] * (y - 0.5f) +
                    scene->step[i] * (beyond - 0.5f) + blotch;
}

static void paint_stick(const rncl_scene_stick *stick, float x, float y, float size, float *colour)
{
    x -= stick->x;
    y -= stick->y;
    float along = clamp((x * stick->across + y * stick->down) * stick->per_squared_length, 0, 1);
    x -= along * stick->across;
    y -= along * stick->down;
    float squared = x * x + y * y, reach = stick->half_width + 0.5f / size;
    if (squared < reach * reach)
        blend(colour, stick->colour, coverage_at(sqrtf(squared) - stick->half_width, size));
}

static void paint_figure(const rncl_scene *scene, float x, float y, float size, float *colour)
{
    x -= scene->x;
    y -= scene->y;
    float reach = scene->radius + 1 / size;
    if (x * x + y * y > reach * reach)
        return;
    float own_x = x * scene->cosine + y * scene->sine, own_y = y * scene->cosine - x * scene->sine;
    float distance = rncl_figures[scene->figure](own_x, own_y, scene->variant) * scene->radius;
    float ink[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        ink[i] = scene->ink[i] + scene->ink_across[i] * own_x;
    blend(colour, ink, coverage_at(distance, size));
}

/* The grain comes last, over everything, as a camera's would. */
static void store(const rncl_scene *scene, uint32_t pixel, const float *colour, uint8_t *bytes)
{
    uint32_t bits = scramble(scene->grain_seed + pixel);
    for (int i = 0; i < CHANNELS; i++) {
        float grain = ((float)(bits >> (8 * i) & 255) - 127.5f) * scene->grain;
        bytes[i] = (uint8_t)(clamp(colour[i] + grain, 0, 1) * 255 + 0.5f);
    }
}

void rncl_scene_paint(const rncl_scene *scene, int size, uint8_t *pixels)
{
    const float width = (float)size, pixel_size = 1 / width;
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
            float x = ((float)j + 0.5f) * pixel_size, y = ((float)i + 0.5f) * pixel_size;
            float colour[CHANNELS];
            paint_ground(scene, x, y, width, colour);
            for (int k = 0; k < scene->stick_count; k++)
                paint_stick(&scene->sticks[k], x, y, width, colour);
            paint_figure(scene, x, y, width, colour);
            uint32_t pixel = (uint32_t)(i * size + j);
            store(scene, pixel, colour, pixels + (size_t)pixel * CHANNELS);
        }
    }
}
