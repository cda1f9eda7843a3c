/* What `rncl doctor` says about the loader and the registered drivers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "details.h"
#include "doctor.h"
#include "driver_files.h"
#include "util.h"

/* Packages that provide OpenCL, by the file that a distribution's package manager has. */
static const struct {
    const char *manager, *cpu, *intel, *amd, *nvidia;
} packages[] = {
    {"/usr/bin/apt-get", "apt install pocl-opencl-icd", "apt install intel-opencl-icd",
     "apt install mesa-opencl-icd, or AMD's rocm-opencl-runtime",
     "apt install nvidia-opencl-icd, which NVIDIA's driver brings along"},
    {"/usr/bin/dnf", "dnf install pocl", "dnf install intel-compute-runtime", "dnf install rocm-opencl",
     "dnf install xorg-x11-drv-nvidia-cuda, from RPM Fusion"},
    {"/usr/bin/pacman", "pacman -S pocl", "pacman -S intel-compute-runtime", "pacman -S rocm-opencl-runtime",
     "pacman -S opencl-nvidia"},
    {"/usr/bin/zypper", "zypper install pocl", "zypper install intel-opencl",
     "install the driver from AMD's repository", "install the driver from NVIDIA's repository"},
    {"", "install PoCL, from portablecl.org or conda-forge", "install Intel's compute runtime",
     "install AMD's ROCm", "install NVIDIA's driver"},
};

const char *rncl_doctor_package(const char *whose)
{
    size_t i = 0;
    while (*packages[i].manager && access(packages[i].manager, X_OK) != 0)
        i++;
    return !strcmp(whose, "Intel")    ? packages[i].intel
           : !strcmp(whose, "AMD")    ? packages[i].amd
           : !strcmp(whose, "NVIDIA") ? packages[i].nvidia
                                      : packages[i].cpu;
}

static void tell_loader(void)
{
    Dl_info loader;
    if (dladdr((const void *)clGetPlatformIDs, &loader) && loader.dli_fname)
        rncl_doctor_say("loader", "", "%s", loader.dli_fname);
}

static void tell_none(rncl_doctor *d)
{
    char advice[1024];
    snprintf(advice, sizeof advice,
             "%s (CPU); %s (Intel GPU); %s (AMD GPU); %s (NVIDIA GPU); macOS has a driver, and Android's "
             "makers have libOpenCL.so in /vendor/lib64",
             rncl_doctor_package("CPU"), rncl_doctor_package("Intel"), rncl_doctor_package("AMD"),
             rncl_doctor_package("NVIDIA"));
    rncl_doctor_say("drivers", advice, "none: %s has no .icd file", rncl_driver_folder());
    d->problems++;
}

static size_t count_devices(const rncl_device_list *list, const rncl_driver_file *file)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *driver = rncl_device_driver_file(&list->devices[i]);
        count += driver && !strcmp(driver, file->loaded);
    }
    return count;
}

static void tell_file(rncl_doctor *d, const rncl_driver_file *file, const rncl_device_list *list)
{
    char advice[512] = "";
    if (file->problem[0]) {
        snprintf(advice, sizeof advice, "install the driver's package again, or remove %.200s/%.200s",
                 rncl_driver_folder(), file->name);
        rncl_doctor_say("drivers", advice, "%s: %s: %s", file->name, file->library, file->problem);
        d->problems++;
        return;
    }
    const size_t count = count_devices(list, file);
    if (!count)
        snprintf(advice, sizeof advice,
                 "its device is not in this machine, may not be opened (see access), or is left out (see "
                 "device)");
    rncl_doctor_say("drivers", advice, "%s: %s loads, %zu device%s", file->name, file->library, count,
                    count == 1 ? "" : "s");
}

rncl_status rncl_doctor_drivers(rncl_doctor *d, const rncl_device_list *list)
{
    rncl_driver_file *files;
    size_t count;
    tell_loader();
    RNCL_TRY(rncl_driver_files_list(&files, &count));
    if (count == 0)
        tell_none(d);
    for (size_t i = 0; i < count; i++)
        tell_file(d, &files[i], list);
    free(files);
    return RNCL_OK;
}
