/* Objects that the program holds, for RNCL_FAULT_LEFT. */
#ifndef RNCL_TESTS_FAULTS_FAULT_LEAKS_H
#define RNCL_TESTS_FAULTS_FAULT_LEAKS_H

#include "fault_plan.h"

/* The caller has got the object: its address, or what stands for a descriptor. Ignored: 0, and what others
 * than the program and its libraries get. */
void fault_take(const fault_point *point, const void *caller, uintptr_t what);

/* The object is about to be released, by whomever. Ignored: what was never taken. */
void fault_give_back(uintptr_t what);

uintptr_t fault_descriptor(int descriptor); /* 0 if it is none */

/* Writes what is held to the file that RNCL_FAULT_LEFT names, "FUNCTION SITE" for each. */
void fault_write_left(void);

#endif
