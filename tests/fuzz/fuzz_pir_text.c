/* SPDX-License-Identifier: GPL-2.0-or-later */
#define FORM SL_PIR_TEXT
#include "tests/fuzz/pir_property.h"
