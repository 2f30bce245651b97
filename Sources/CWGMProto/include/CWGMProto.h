/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CWGMPROTO_H
#define CWGMPROTO_H

#include <protobuf-c/protobuf-c.h>

#include "descriptors.h"
#include "precheck.h"

#endif
