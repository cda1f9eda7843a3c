/* Which tiles each family of GPUs gets. */
#include "tile_presets.h"

#include <math.h>

#include "depth_shares.h"
#include "util.h"

/* Limits for the shares of the depth: their number, and the memory for their results. */
enum { MOST_SHARES = 128, SHARES_BYTES = 64 << 20 };

/* Tiles are not made smaller than for so many work-items where the device allows them. */
enum { FEWEST_ITEMS = 64 };

#define TILE(SIDE, RM_, RN_)                                                                                 \
    .tm = (SIDE), .tn = (SIDE), .tk = 8, .rm = (RM_), .rn = (RN_), .unroll = 8, .local = 1

/* Large blocks of sums save reads of local memory, which would otherwise limit the speed: 8 x 8 values take 4
 * reads of 16 bytes and 64 multiplications for each unit of depth. They need about 130 registers, on Intel's
 * GPUs the large register file, which Xe-LP and before do not have. No tile has been timed on a GPU; all are
 * chosen by the code that the vendors' compilers make. Sources: CUTLASS and MAGMA (Nath, Tomov and Dongarra
 * 2010) for 128 x 128 x 8 in blocks of 8 x 8, which Tensile has for AMD too; CLBlast 1.6 (database of xgemm)
 * for 64 x 64 on Intel and Apple and 32 x 32 elsewhere; Arm's and Qualcomm's guides to OpenCL for doing
 * without local memory, and with 64 registers. */
static const tile_parameters family_tiles[RNCL_GPU_FAMILIES] = {
    [RNCL_GPU_OTHER] = {TILE(32, 4, 4)},
    [RNCL_GPU_NVIDIA] = {TILE(128, 8, 8)},
    [RNCL_GPU_GCN] = {TILE(128, 8, 8)},
    [RNCL_GPU_CDNA] = {TILE(128, 8, 8)},
    [RNCL_GPU_RDNA] = {TILE(128, 8, 8)},
    [RNCL_GPU_INTEL_GEN] = {TILE(64, 8, 4)},
    [RNCL_GPU_XE_LP] = {TILE(64, 8, 4)},
    [RNCL_GPU_XE_HPG] = {TILE(128, 8, 8), .large_registers = 1},
    [RNCL_GPU_XE_HPC] = {TILE(128, 8, 8), .large_registers = 1},
    [RNCL_GPU_APPLE] = {TILE(64, 8, 4)},
    [RNCL_GPU_MALI] = {.tm = 32, .tn = 32, .rm = 4, .rn = 4},
    [RNCL_GPU_ADRENO] = {.tm = 32, .tn = 32, .rm = 4, .rn = 4},
};

/* For devices on which none of these fits: 32 x 32 without local memory, and work-groups of 16 and of 1. */
static const tile_parameters small_tiles[] = {
    {.tm = 32, .tn = 32, .rm = 4, .rn = 4},
    {TILE(16, 4, 4)},
    {.tm = 16, .tn = 16, .rm = 4, .rn = 4},
    {.tm = 4, .tn = 4, .rm = 4, .rn = 4},
};

int tile_items(const tile_parameters *tile)
{
    return tile->tm / tile->rm * (tile->tn / tile->rn);
}

/* As in the kernel: two buffers of two tiles with their padding, or the statistics. */
static size_t local_bytes(const tile_parameters *tile)
{
    enum { PAD = 4 };
    const int tiles = 2 * tile->tk * (tile->tm + tile->tn + 2 * PAD),
              gathered = tile->tm / tile->rm * tile->tn;
    return tile->local ? sizeof(float) * (size_t)MAX(tiles, gathered) : 0;
}

static bool has_room(const rncl_context *context, const tile_parameters *tile)
{
    return (size_t)tile_items(tile) <= context->info.max_work_group_size &&
           local_bytes(tile) <= (size_t)context->info.local_memory;
}

/* A load does not reach beyond a tile. Without local memory a work-item reads one vector of each of its rows
 * at a time. */
static bool depth_fits(const tile_sizes *sizes, const tile_parameters *tile)
{
    const int rows = tile->local ? tile->tm : tile->rm, columns = tile->local ? tile->tn : tile->rn;
    if (tile->left > (sizes->left_is_transposed ? rows : tile->tk) || tile->right > columns)
        return false;
    if (!tile->local)
        return tile->tk == (sizes->left_is_transposed ? 1 : tile->left) && tile->unroll == tile->tk;
    return tile->tk >= 4 && tile->tk <= tile_items(tile) && tile->unroll <= tile->tk;
}

bool tile_is_possible(const rncl_context *context, const tile_sizes *sizes, const tile_parameters *tile)
{
    return tile->rm <= tile->tm && tile->rn <= tile->tn && has_room(context, tile) &&
           sizes->left_along % tile->left == 0 && sizes->right_along % tile->right == 0 &&
           depth_fits(sizes, tile);
}

/* Halves what is larger than the matrix. */
static void shrink(int size, int *side, int *block, const tile_parameters *tile)
{
    while (size <= *side / 2) {
        if (tile_items(tile) / 2 < FEWEST_ITEMS) {
            if (*block == 4)
                return;
            *block /= 2;
        }
        *side /= 2;
    }
}

/* Families are known to have local memory that is worth using, or not to. */
static bool has_local_memory(const rncl_context *context, const tile_parameters *tile)
{
    const bool known = context->gpu.family != RNCL_GPU_OTHER;
    return tile->local && has_room(context, tile) && (known || !context->gpu.emulates_local_memory);
}

bool tile_has_large_registers(const rncl_context *context)
{
    const rncl_gpu_family family = context->gpu.family;
    return (family == RNCL_GPU_XE_HPG || family == RNCL_GPU_XE_HPC) && context->gpu.sub_group_sizes;
}

/* The largest tile that fits the device and the sizes. */
static tile_parameters largest_preset(const rncl_context *context, const tile_sizes *sizes)
{
    tile_parameters tile = family_tiles[context->gpu.family];
    if (!has_room(context, &tile))
        tile = family_tiles[RNCL_GPU_OTHER];
    for (size_t i = 0; i < COUNT(small_tiles) && !has_room(context, &tile); i++)
        tile = small_tiles[i];
    tile.local = has_local_memory(context, &tile);
    tile.left = sizes->left_along % 4 ? 1 : 4;
    tile.right = sizes->right_along % 4 ? 1 : 4;
    tile.sub_group = context->gpu.sub_group_sizes ? (int)context->gpu.sub_group : 0;
    tile.large_registers = tile.large_registers && tile_has_large_registers(context);
    shrink(sizes->columns, &tile.tn, &tile.rn, &tile);
    shrink(sizes->rows, &tile.tm, &tile.rm, &tile);
    if (!tile.local)
        tile.tk = tile.unroll = sizes->left_is_transposed ? 1 : tile.left;
    return tile;
}

/* GPUs do about 20 multiplications and additions in the time of one byte. */
static depth_problem depth_of(const tile_sizes *sizes, const tile_parameters *tile, int products, bool whole)
{
    enum { LEAST_DEPTH = 64, OPERATIONS_A_BYTE = 20 };
    return (depth_problem){
        .groups =
            (double)products * rncl_ceil_div(sizes->rows, tile->tm) * rncl_ceil_div(sizes->columns, tile->tn),
        .depth = sizes->depth,
        .least_depth = LEAST_DEPTH,
        .most = whole ? 1 : tile_most_split(sizes, products),
        .operations_a_byte = OPERATIONS_A_BYTE,
    };
}

/* A tile of half as many rows has more instructions for each multiplication, 4 % for 128 columns. Work-groups
 * of fewer than 128 work-items, four sub-groups of 32, do not keep the four schedulers of a compute unit
 * equally busy. Half a tile pays where whole ones leave compute units without work at the end of a launch. */
static double cost_of_half(const tile_parameters *half)
{
    return tile_items(half) < 128 ? 1.15 : 1.04;
}

tile_parameters tile_preset(const rncl_context *context, const tile_sizes *sizes, int products, bool whole,
                            int *split)
{
    tile_parameters tile = largest_preset(context, sizes), best = tile;
    double best_time = INFINITY, cost = 1;
    *split = 1;
    for (;;) {
        const depth_problem problem = depth_of(sizes, &tile, products, whole);
        const int shares = depth_shares_best(context, &problem);
        const double time = cost * tile.tm * depth_shares_time(context, &problem, shares);
        if (time < best_time) {
            best_time = time;
            best = tile;
            *split = shares;
        }
        if (!tile.local || tile_items(&tile) / 2 < FEWEST_ITEMS || tile.tm == tile.rm)
            return best;
        tile.tm /= 2;
        cost *= cost_of_half(&tile);
    }
}

int tile_most_split(const tile_sizes *sizes, int products)
{
    const double bytes = sizeof(float) * (double)products * sizes->rows * sizes->columns;
    int split = 1;
    while (split < MOST_SHARES && 2 * split * bytes <= SHARES_BYTES)
        split *= 2;
    return split;
}
