/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - finds the subcommand. Options may stand before or after its name. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/version.h"

static const struct sl_cli_command *const commands[] = { &sl_cli_status,  &sl_cli_check, &sl_cli_reload,
	                                                 &sl_cli_cleanup, &sl_cli_bloom, &sl_cli_replay };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "control", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "bits", required_argument, NULL, 'b' },
	{ "hashes", required_argument, NULL, 'k' },
	{ "seed", required_argument, NULL, 'm' },
	{ "entries", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ "flows", no_argument, NULL, 'f' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char *option_name(char letter)
{
	for (size_t i = 0; options[i].name != NULL; i++)
		if (options[i].val == letter)
			return options[i].name;
	return "?";
}

static void help_option(char letter)
{
	static const struct {
		char letter;
		const char *text;
	} help[] = {
		{ 'c', "--config FILE   the configuration; default /etc/sluice/sluice.yaml" },
		{ 's', "--control PATH  the control socket; default: what the configuration says" },
		{ 'j', "--json          print JSON" },
		{ 'f', "--flows         one JSON object for each flow" },
		{ 'b', "--bits N        of raw bits: bitCount" },
		{ 'k', "--hashes N      of raw bits: hashCount" },
		{ 'm', "--seed N        of raw bits: murmurSeed" },
		{ 'e', "--entries FILE  more entries, one a line" },
	};
	for (size_t i = 0; i < SL_COUNT(help); i++)
		if (help[i].letter == letter)
			(void)printf("  %s\n", help[i].text);
}

static void help_command(const struct sl_cli_command *c)
{
	(void)printf("usage: sluice %s %s\n%s\n\n%s\n\n", c->name, c->usage, c->summary, c->help);
	for (const char *letter = c->options; *letter != '\0'; letter++)
		help_option(*letter);
}

static void help_all(void)
{
	(void)puts("usage: sluice COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:");
	for (size_t i = 0; i < SL_COUNT(commands); i++)
		(void)printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	(void)puts("\noptions:");
	for (const char *letter = "csj"; *letter != '\0'; letter++)
		help_option(*letter);
	(void)puts("  --help          of sluice, or of the command named\n  --version");
}

static const struct sl_cli_command *find(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	sl_cli_error("%s: no such command; see: sluice --help", name);
	return NULL;
}

/* An option that the command would not look at is refused, not ignored. */
static int run(const struct sl_cli_command *c, const struct sl_cli *cli, const char *used)
{
	for (; *used != '\0'; used++) {
		if (strchr(c->options, *used) == NULL) {
			sl_cli_error("%s: --%s means nothing here; see: sluice %s --help", c->name,
			             option_name(*used), c->name);
			return SL_EXIT_ERROR;
		}
	}
	return c->run(cli);
}

static int dispatch(struct sl_cli *cli, const char *used, bool help)
{
	if (cli->args == 0 && help) {
		help_all();
		return SL_EXIT_OK;
	}
	if (cli->args == 0) {
		sl_cli_error("no command given; see: sluice --help");
		return SL_EXIT_ERROR;
	}
	const struct sl_cli_command *c = find(cli->arg[0]);
	if (c == NULL)
		return SL_EXIT_ERROR;
	if (help) {
		help_command(c);
		return SL_EXIT_OK;
	}
	cli->arg++;
	cli->args--;
	return run(c, cli, used);
}

int main(int argc, char **argv)
{
	struct sl_cli cli = { .config = "/etc/sluice/sluice.yaml" };
	char used[SL_COUNT(options)] = "";
	bool help = false;
	int letter;

	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (letter == '?')
			return SL_EXIT_ERROR;
		if (letter == 'V') {
			(void)puts("sluice " SL_VERSION);
			return SL_EXIT_OK;
		}
		help |= letter == 'h';
		cli.json |= letter == 'j';
		cli.flows |= letter == 'f';
		cli.config = letter == 'c' ? optarg : cli.config;
		cli.config_given |= letter == 'c';
		cli.control = letter == 's' ? optarg : cli.control;
		cli.bits = letter == 'b' ? optarg : cli.bits;
		cli.hashes = letter == 'k' ? optarg : cli.hashes;
		cli.seed = letter == 'm' ? optarg : cli.seed;
		cli.entries = letter == 'e' ? optarg : cli.entries;
		if (letter != 'h' && strchr(used, letter) == NULL)
			used[strlen(used)] = (char)letter;
	}
	cli.arg = argv + optind;
	cli.args = argc - optind;
	int status = dispatch(&cli, used, help);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		sl_cli_error("the output cannot be written");
		return SL_EXIT_ERROR;
	}
	return status;
}
