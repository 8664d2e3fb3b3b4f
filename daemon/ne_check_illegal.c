/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves that are ignored (NE-CHOICE-14), in words. */
#include "base/util.h"
#include "daemon/ne_check_impl.h"

static bool is_of_other_class(enum sl_ne_seen_verdict_kind kind, bool new_flow)
{
	return new_flow ? kind == SL_NE_SEEN_PASS_VERDICT
	                : kind == SL_NE_SEEN_FILTER_DATA_VERDICT || kind == SL_NE_SEEN_APPEND_VERDICT;
}

bool sl_ne_check_kind(struct sl_ne_checking *c, const struct sl_ne_seen *of, bool new_flow, const char *rule)
{
	enum sl_ne_seen_verdict_kind kind = of->verdict.kind;
	bool right = !is_of_other_class(kind, new_flow);
	if (!right)
		WRONG(c, of, rule, "%s is answered with %s, which is a verdict for %s%s",
		      sl_ne_seen_event_name(of->event), sl_ne_seen_verdict_name(kind),
		      new_flow ? "data" : "new flows", of->ignored ? ": it is ignored" : "");
	return right;
}

/* Which platform has it. */
static const char *kind_text(enum sl_ne_seen_verdict_kind kind)
{
	switch (kind) {
	case SL_NE_SEEN_PAUSE_VERDICT:
		return "which macOS has and iOS has not (NE-NFV-04)";
	case SL_NE_SEEN_NEED_RULES_VERDICT:
		return "which iOS has and macOS has not, and which needs a control provider (NE-NFV-05)";
	case SL_NE_SEEN_REMEDIATE_VERDICT:
		return "which iOS has and macOS has not, and which needs its keys (NE-NFV-06)";
	case SL_NE_SEEN_APPEND_VERDICT:
		return "which iOS has and macOS has not, and which needs its key (NE-NFV-07)";
	default:
		return "with something in it that is not one of NE's values";
	}
}

static const char *move_text(const char *word)
{
	static const struct {
		const char *word, *text;
	} moves[] = {
		{ "verdict",
		  "a verdict that is none here, or of the other class than the callback it answers" },
		{ "pausePaused", "resumeFlow with pause: the flow is paused already (NE-PAUSE-04)" },
		{ "resumeUnpaused", "resumeFlow of a flow that is not paused (NE-PAUSE-04)" },
		{ "answerUnasked", "the verdict of a callback that waits for none" },
		{ "verdictAfterDrop", "a verdict on a flow that was dropped: a drop is final (NE-DROP-04)" },
		{ "verdictAfterClose", "a verdict on a flow that is closed" },
		{ "updateKind",
		  "updateFlow with another verdict than allow, drop or pass and peek (NE-CB-09)" },
		{ "verdictDetached",
		  "a verdict on a flow that nothing filters: both directions are unlimited, or the "
		  "filter that knew it was stopped (NE-PEEK-11, NE-FAIL-03)" },
		{ "control", "the control provider answers what it was not asked, or has new rules for ever "
		             "(NE-CTL-02)" },
		{ "lifecycle",
		  "a completion handler is called a second time, or settings are applied while no "
		  "filter runs (NE-LIFE-01, NE-LIFE-04)" },
	};
	for (size_t i = 0; i < SL_COUNT(moves); i++)
		if (word != NULL && strcmp(word, moves[i].word) == 0)
			return moves[i].text;
	return "of a kind that is not known here";
}

void sl_ne_check_illegal(struct sl_ne_findings *out, const struct sl_ne_seen_flow *flow,
                         const struct sl_ne_seen *e, const struct sl_ne_seen *before)
{
	if (before == NULL || !before->ignored || strcmp(e->word == NULL ? "" : e->word, "verdict") != 0) {
		(void)sl_ne_find(out, flow, e, "NE-CHOICE-14", SL_NE_WRONG, "ignored: %s",
		                 move_text(e->word));
		return;
	}
	if (is_of_other_class(before->verdict.kind, before->event == SL_NE_SEEN_NEW_FLOW))
		return; /* that was told */
	(void)sl_ne_find(out, flow, e, "NE-CHOICE-14", SL_NE_WRONG,
	                 "ignored: %s is answered with %s, %s; the flow is as undecided as before",
	                 sl_ne_seen_event_name(before->event), sl_ne_seen_verdict_name(before->verdict.kind),
	                 kind_text(before->verdict.kind));
}
