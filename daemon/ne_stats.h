/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_stats.h - what a live content filter counts, for `sluice status`: each name once. The last one is no count, but how it is now. */
#ifndef SL_DAEMON_NE_STATS_H
#define SL_DAEMON_NE_STATS_H

#define SL_NE_STATS(X)                                                            \
	X(packets, "queued packets")                                              \
	X(passed, "not looked into: neither TCP nor UDP")                         \
	X(damaged, "dropped: no receiver would take them")                        \
	X(again, "came again after they had passed")                              \
	X(absorbed, "came again while the first waited")                          \
	X(early, "waited for others before them")                                 \
	X(parked, "moved to the parking queue")                                   \
	X(no_parking, "dropped: no room in hand")                                 \
	X(lost, "lost on the way to the parking queue")                           \
	X(flows, "flows opened")                                                  \
	X(no_room, "flows not opened: max_flows")                                 \
	X(in_vain, "flows that no filter was there for")                          \
	X(names_taught, "addresses that DNS answers gave a name")                 \
	X(named_by_dns, "flows whose host had one of those names")                \
	X(named_by_hello, "flows whose client said the host's name")              \
	X(stalls, "flows that stalled")                                           \
	X(illegal, "moves of the provider that were ignored")                     \
	X(refused, "packets beyond a limit of what may wait")                     \
	X(undecided_ended, "datagram flows ended undecided")                      \
	X(idle_ended, "datagram flows ended idle")                                \
	X(close_wait_ended, "flows whose provider was not waited for any longer") \
	X(answers_late, "verdicts by late")                                       \
	X(providers, "external providers that said hello")                        \
	X(providers_lost, "of them went away, or were closed")                    \
	X(providers_nonsense, "closed for what they wrote")                       \
	X(providers_unread, "closed for what they did not read")                  \
	X(questions, "callbacks sent to an external provider")                    \
	X(questions_answered, "verdicts of it in time")                           \
	X(questions_stuck, "callbacks by late: it was silent")                    \
	X(questions_full, "callbacks by late: too much waited for it")            \
	X(questions_absent, "callbacks and pauses by late: it was gone")          \
	X(trace_dropped, "events of the trace lost")                              \
	X(held, "packets that wait now")
enum sl_ne_stat {
#define X(name, text) SL_NE_STAT_##name,
	SL_NE_STATS(X)
#undef X
	        SL_NE_STAT_COUNT
};

#endif
