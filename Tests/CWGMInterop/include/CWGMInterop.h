/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CWGMINTEROP_H
#define CWGMINTEROP_H

#include <protobuf-c/protobuf-c.h>

#include "descriptors.h"

#endif
