/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash.h - a process of ours that dies of a fault, or is told to abort because it hangs, tells the log where it was: the signal, the
 * thread, and a short stack, as addresses that addr2line(1) reads. Not with sanitizers, which tell more. */
#ifndef SL_DAEMON_CRASH_H
#define SL_DAEMON_CRASH_H

/* Once, before there are threads; needs to open files, so before there is a sandbox. role: static text, "engine". */
void sl_crash_tell(const char *role);

#endif
