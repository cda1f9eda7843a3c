/* Families of GPUs from what drivers report. The names are those of published listings (clinfo, and programs
 * that print the same answers); the numbers of Intel's architectures are its compute runtime's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gpu_family.h"
#include "util.h"

typedef struct named_gpu {
    const char *vendor, *name;
    rncl_gpu_family family;
} named_gpu;

static const named_gpu named[] = {
    {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", RNCL_GPU_NVIDIA},
    {"NVIDIA Corporation", "GeForce GTX 970", RNCL_GPU_NVIDIA},
    {"nouveau", "NV136", RNCL_GPU_NVIDIA},
    {"Advanced Micro Devices, Inc.", "gfx1100", RNCL_GPU_RDNA},
    {"Advanced Micro Devices, Inc.", "gfx1035", RNCL_GPU_RDNA},
    {"Advanced Micro Devices, Inc.", "gfx1201", RNCL_GPU_RDNA},
    {"Advanced Micro Devices, Inc.", "AMD Radeon RX 9070 XT", RNCL_GPU_RDNA},
    {"Advanced Micro Devices, Inc.", "gfx906:sramecc+:xnack-", RNCL_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx900", RNCL_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx90c:xnack-", RNCL_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx803", RNCL_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "Ellesmere", RNCL_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx908:sramecc+:xnack-", RNCL_GPU_CDNA},
    {"Advanced Micro Devices, Inc.", "gfx90a:sramecc+:xnack-", RNCL_GPU_CDNA},
    {"Advanced Micro Devices, Inc.", "gfx942:sramecc+:xnack-", RNCL_GPU_CDNA},
    {"Advanced Micro Devices, Inc.", "gfx950:sramecc+:xnack-", RNCL_GPU_CDNA},
    {"AMD", "AMD Radeon RX 7900 XTX (radeonsi, navi31, ACO, DRM 3.64, 7.1.2-3-cachyos)", RNCL_GPU_RDNA},
    {"AMD", "AMD Radeon Graphics (radeonsi, raphael_mendocino, LLVM 19.1.1, DRM 3.59, 6.11.3)",
     RNCL_GPU_RDNA},
    {"AMD", "AMD Radeon RX 5500 XT (navi14, LLVM 13.0.1, DRM 3.41, 5.13.0-28-generic)", RNCL_GPU_RDNA},
    {"AMD", "AMD Radeon RX 570 Series (polaris10, LLVM 12.0.1, DRM 3.46, 5.18.19_1)", RNCL_GPU_GCN},
    {"AMD", "Radeon RX 570 Series (POLARIS10, DRM 3.33.0, 5.3.6, LLVM 9.0.0)", RNCL_GPU_GCN},
    {"Intel(R) Corporation", "Intel(R) Arc(TM) A770 Graphics", RNCL_GPU_XE_HPG},
    {"Intel(R) Corporation", "Intel(R) Arc(TM) Graphics", RNCL_GPU_XE_HPG},
    {"Intel(R) Corporation", "Intel(R) Data Center GPU Flex 170", RNCL_GPU_XE_HPG},
    {"Intel(R) Corporation", "Intel(R) Arc(TM) B580 Graphics", RNCL_GPU_XE_HPC},
    {"Intel(R) Corporation", "Intel(R) Data Center GPU Max 1100", RNCL_GPU_XE_HPC},
    {"Intel(R) Corporation", "Intel(R) UHD Graphics 770", RNCL_GPU_XE_LP},
    {"Intel(R) Corporation", "Intel(R) Iris(R) Xe Graphics", RNCL_GPU_XE_LP},
    {"Intel(R) Corporation", "Intel(R) UHD Graphics 630", RNCL_GPU_INTEL_GEN},
    {"Intel(R) Corporation", "Intel(R) HD Graphics 500", RNCL_GPU_INTEL_GEN},
    {"Intel", "Mesa Intel(R) Xe Graphics (TGL GT2)", RNCL_GPU_XE_LP},
    {"Intel", "Mesa Intel(R) Iris(R) Xe Graphics (RPL-P)", RNCL_GPU_XE_LP},
    {"Intel", "Mesa Intel(R) UHD Graphics (CML GT2)", RNCL_GPU_INTEL_GEN},
    {"Apple", "Apple M2 Pro", RNCL_GPU_APPLE},
    {"ARM", "Mali-G710 r0p0", RNCL_GPU_MALI},
    {"QUALCOMM", "QUALCOMM Adreno(TM) 750", RNCL_GPU_ADRENO},
    {"QUALCOMM", "QUALCOMM Adreno(TM)", RNCL_GPU_ADRENO},
    {"Acme", "Acme GPU", RNCL_GPU_OTHER},
    {"", "", RNCL_GPU_OTHER},
};

static void names_alone_tell_the_family(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(named); i++) {
        const rncl_gpu gpu =
            rncl_gpu_of(&(rncl_gpu_answers){.vendor = named[i].vendor, .name = named[i].name});
        if (gpu.family != named[i].family)
            fail_msg("%s of %s is taken for %s", named[i].name, named[i].vendor,
                     rncl_gpu_family_name(gpu.family));
    }
}

static void a_gfx_name_gives_the_version(void **state)
{
    (void)state;
    rncl_gpu gpu = rncl_gpu_of(&(rncl_gpu_answers){.vendor = "AMD", .name = "gfx90a:sramecc+:xnack-"});
    assert_int_equal(gpu.major, 9);
    assert_int_equal(gpu.minor, 0);
    assert_int_equal(gpu.stepping, 10);
    assert_int_equal(gpu.sub_group, 64);
    gpu = rncl_gpu_of(&(rncl_gpu_answers){.vendor = "AMD", .name = "gfx1151"});
    assert_int_equal(gpu.major, 11);
    assert_int_equal(gpu.minor, 5);
    assert_int_equal(gpu.stepping, 1);
    assert_int_equal(gpu.sub_group, 32);
}

/* A name that is no version is not read as one. */
static void a_damaged_gfx_name_is_no_version(void **state)
{
    (void)state;
    static const char *const damaged[] = {"gfx", "gfx9", "gfx 1100", "gfx111111111111111111111111"};
    for (size_t i = 0; i < COUNT(damaged); i++)
        assert_int_equal(rncl_gpu_of(&(rncl_gpu_answers){.vendor = "AMD", .name = damaged[i]}).major, 0);
}

static void attributes_come_before_names(void **state)
{
    (void)state;
    const rncl_gpu nvidia = rncl_gpu_of(&(rncl_gpu_answers){
        .vendor = "NVIDIA Corporation", .name = "x", .capability_major = 8, .capability_minor = 6});
    assert_int_equal(nvidia.major, 8);
    assert_int_equal(nvidia.minor, 6);
    const rncl_gpu amd = rncl_gpu_of(&(rncl_gpu_answers){
        .vendor = "Advanced Micro Devices, Inc.", .name = "AMD Radeon VII", .gfx_major = 9, .wavefront = 64});
    assert_int_equal(amd.family, RNCL_GPU_GCN);
}

static void intel_versions_of_old_and_new_drivers_tell_the_family(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        rncl_gpu_family family;
        unsigned minor;
    } versions[] = {
        {0x02400009, RNCL_GPU_INTEL_GEN, 0}, /* Skylake */
        {0x03000000, RNCL_GPU_XE_LP, 0},     /* Tiger Lake */
        {0x03028000, RNCL_GPU_XE_LP, 10},    /* DG1 */
        {0x030dc008, RNCL_GPU_XE_HPG, 55},   /* DG2, G10 */
        {0x030e4000, RNCL_GPU_XE_HPG, 57},   /* DG2, G12 */
        {0x0311c004, RNCL_GPU_XE_HPG, 71},   /* Meteor Lake H */
        {0x030f0007, RNCL_GPU_XE_HPC, 60},   /* Ponte Vecchio */
        {0x05004000, RNCL_GPU_XE_HPC, 1},    /* Battlemage */
        {0x05010004, RNCL_GPU_XE_HPC, 4},    /* Lunar Lake */
        {0x00090000, RNCL_GPU_INTEL_GEN, 0}, /* the rest as before 2023 */
        {0x000c0000, RNCL_GPU_XE_LP, 0},     {0x000c0701, RNCL_GPU_XE_HPG, 55},
        {0x000c0801, RNCL_GPU_XE_HPC, 60},
    };
    for (size_t i = 0; i < COUNT(versions); i++) {
        const rncl_gpu gpu = rncl_gpu_of(&(rncl_gpu_answers){.vendor = "Intel(R) Corporation",
                                                             .name = "Intel(R) Graphics [0x46a6]",
                                                             .ip_version = versions[i].version});
        if (gpu.family != versions[i].family || gpu.minor != versions[i].minor)
            fail_msg("version %08x is taken for %s, minor %u", versions[i].version,
                     rncl_gpu_family_name(gpu.family), gpu.minor);
    }
}

/* Arc A770 reports 512 units, UHD Graphics 630 reports 24, and Mesa counts sub-slices itself. */
static void units_of_intel_are_joined_to_cores(void **state)
{
    (void)state;
    static const struct {
        const char *vendor, *name;
        unsigned answer, per_core;
    } devices[] = {
        {"Intel(R) Corporation", "Intel(R) Arc(TM) A770 Graphics", 0, 16},
        {"Intel(R) Corporation", "Intel(R) Data Center GPU Max 1100", 0, 8},
        {"Intel(R) Corporation", "Intel(R) UHD Graphics 630", 0, 8},
        {"Intel(R) Corporation", "Intel(R) Arc(TM) B580 Graphics", 8, 8},
        {"Intel", "Mesa Intel(R) Xe Graphics (TGL GT2)", 0, 1},
        {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", 0, 1},
    };
    for (size_t i = 0; i < COUNT(devices); i++)
        assert_int_equal(rncl_gpu_of(&(rncl_gpu_answers){.vendor = devices[i].vendor,
                                                         .name = devices[i].name,
                                                         .units_per_sub_slice = devices[i].answer})
                             .units_per_core,
                         devices[i].per_core);
}

static void every_family_has_a_name(void **state)
{
    (void)state;
    for (rncl_gpu_family family = 0; family < RNCL_GPU_FAMILIES; family++)
        assert_non_null(rncl_gpu_family_name(family));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_alone_tell_the_family),
        cmocka_unit_test(a_gfx_name_gives_the_version),
        cmocka_unit_test(a_damaged_gfx_name_is_no_version),
        cmocka_unit_test(attributes_come_before_names),
        cmocka_unit_test(intel_versions_of_old_and_new_drivers_tell_the_family),
        cmocka_unit_test(units_of_intel_are_joined_to_cores),
        cmocka_unit_test(every_family_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
