/* What `rncl doctor` says about the machine: device files of GPUs, and graphics cards without a driver. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "util.h"

/* Calls `tell` with every file of a pattern below the root folder; returns how many there are. */
static size_t for_each_file(const char *pattern,
                            void (*tell)(rncl_doctor *, const char *, const rncl_device_list *),
                            rncl_doctor *d, const rncl_device_list *list)
{
    const char *root = getenv("RNCL_DOCTOR_ROOT");
    char path[PATH_MAX];
    glob_t files;
    snprintf(path, sizeof path, "%s%s", root ? root : "", pattern);
    if (glob(path, 0, NULL, &files))
        return 0;
    const size_t count = files.gl_pathc;
    for (size_t i = 0; i < count; i++)
        tell(d, files.gl_pathv[i], list);
    globfree(&files);
    return count;
}

static void tell_node(rncl_doctor *d, const char *path, const rncl_device_list *list)
{
    (void)list;
    const int opened = open(path, O_RDWR | O_CLOEXEC);
    if (opened >= 0) {
        close(opened);
        rncl_doctor_say("access", "", "%s can be opened", path);
        return;
    }
    const bool denied = errno == EACCES || errno == EPERM;
    rncl_doctor_say("access",
                    denied ? "usermod -a -G render,video YOUR_NAME as root, then log in anew; in a container "
                             "pass the device on"
                           : "see the system's log: the kernel's driver does not answer",
                    "%s cannot be opened: %s", path, strerror(errno));
    d->problems++;
}

/* ---- graphics cards on the PCI bus ---- */

/* Makers by their PCI number, and what OpenCL drivers call them. */
static const struct {
    unsigned number;
    const char *name, *vendors[2];
} makers[] = {
    {0x8086, "Intel", {"Intel", NULL}},
    {0x1002, "AMD", {"AMD", "Advanced Micro Devices"}},
    {0x10de, "NVIDIA", {"NVIDIA", NULL}},
};

/* The number in a file of a PCI device's folder; 0 if there is none. */
static unsigned read_number(const char *folder, const char *name)
{
    char path[PATH_MAX];
    unsigned number = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%x", &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number;
}

static bool has_gpu_of(const rncl_device_list *list, const char *const vendors[2])
{
    for (size_t i = 0; i < list->count; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        for (int j = 0; j < 2; j++)
            if (info->type == RNCL_DEVICE_GPU && !info->emulator && vendors[j] &&
                strstr(info->vendor, vendors[j]))
                return true;
    }
    return false;
}

/* A display controller of one of the makers without an OpenCL device of that maker. It is no problem where
 * another device is wanted. */
static void tell_card(rncl_doctor *d, const char *folder, const rncl_device_list *list)
{
    enum { DISPLAY_CONTROLLER = 0x03 };
    (void)d;
    if (read_number(folder, "class") >> 16 != DISPLAY_CONTROLLER)
        return;
    const unsigned number = read_number(folder, "vendor");
    for (size_t i = 0; i < COUNT(makers); i++)
        if (makers[i].number == number && !has_gpu_of(list, makers[i].vendors))
            rncl_doctor_say("GPU", rncl_doctor_package(makers[i].name),
                            "%s's at PCI address %s: no OpenCL driver shows it", makers[i].name,
                            strrchr(folder, '/') + 1);
}

/* Device files are those through which drivers of GPUs reach them: of AMD and Intel, AMD's compute, NVIDIA.
 */
void rncl_doctor_machine(rncl_doctor *d, const rncl_device_list *list)
{
    static const char *const nodes[] = {"/dev/dri/renderD*", "/dev/kfd", "/dev/nvidia[0-9]*",
                                        "/dev/nvidiactl"};
    size_t found = 0;
    for (size_t i = 0; i < COUNT(nodes); i++)
        found += for_each_file(nodes[i], tell_node, d, list);
    if (!found)
        rncl_doctor_say("access", "", "this machine shows no GPU (/dev/dri, /dev/kfd, /dev/nvidia*)");
    for_each_file("/sys/bus/pci/devices/*", tell_card, d, list);
}
