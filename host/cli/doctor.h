/* What the parts of `rncl doctor` share. */
#ifndef RNCL_CLI_DOCTOR_H
#define RNCL_CLI_DOCTOR_H

#include "console.h"
#include "device.h"

typedef struct rncl_doctor {
    rncl_console console;
    const rncl_options *options;
    int problems;
} rncl_doctor;

/* Prints a label and what is known; below, after an arrow, what should be done about it ("" if nothing). */
void __attribute__((format(printf, 3, 4)))
rncl_doctor_say(const char *label, const char *advice, const char *format, ...);

/* The loader, the registered drivers and what each yields. */
rncl_status rncl_doctor_drivers(rncl_doctor *d, const rncl_device_list *list);

/* Device files and their permissions, and graphics cards that no driver shows. They are looked for below
 * $RNCL_DOCTOR_ROOT, a folder that stands for / in tests. */
void rncl_doctor_machine(rncl_doctor *d, const rncl_device_list *list);

/* How to install drivers on this distribution: of a GPU's maker ("AMD", "Intel", "NVIDIA") or for CPUs
 * ("CPU"). */
const char *rncl_doctor_package(const char *whose);

#endif
