# SPDX-License-Identifier: GPL-2.0-or-later
"""main.py - what the way through a queue costs, measured in network namespaces that this makes and removes.

    bench/queue/run --sluice build/release                     no filter, null and sluice
    bench/queue/run --sluice build/release --peers all         and the proxies of tests/conformance/peers, with the same list
    bench/queue/run --sluice build/release --peer 'X=PROGRAM'  and any other: started in the gateway's namespace, whose
                                                               interfaces are lan and wan, and ended with SIGTERM
    bench/queue/run --sluice build/release --soak 600          sluice alone, ten minutes at 0.8 of its rate, with reloads
    bench/queue/run --sluice build/release --peers all --rounds 0 --life 100000,1000000
                                                               no load: start, memory, reload and kill at these sizes of list

Filters take turns, in another order in each round; each starts in namespaces of its own. null (bench/queue/null.c) allows
everything, behind the same rules as sluice installs. Client, server, gateway and filter share the processors of --cpus: with
one, what a filter costs is what the rate loses. What a filter cannot carry (a proxy: packets of no kernel) is left out.
Interrupted, it shows what it has. Exit status: 0, 1 when connections failed, 2 the harness could not go on."""

import argparse
import contextlib
import json
import os
import random
import shutil
import sys

from lab import machine
from lab.interrupts import Interrupted, catch, held, ignore
from lab.namespaces import LabError, Network

from . import filters, life, loads, plot, report, soak

PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
NAMES, ASKED = 2000, "asked.txt"  # that clients ask for; none is on the list
LABELS = ("ads", "track", "cdn", "img", "metrics", "api", "static", "pixel", "stat", "news", "shop", "mail", "video", "app")
SUFFIXES = ("com", "net", "org", "de", "co.uk", "io", "info", "example")


def write_names(path, number, seed):
    """Different names, one a line, the same for the same seed."""
    rng = random.Random(seed)
    with open(path, "w") as to:
        for i in range(number):
            to.write("%s.%s%x-%d.%s\n" % (rng.choice(LABELS), rng.choice(LABELS), rng.getrandbits(24), i, rng.choice(SUFFIXES)))
    return path


def pair(text):
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError("NAME=... is wanted, not " + text)
    return name, value


def program(folders, name):
    """In one of several folders, with ":" between them."""
    *others, last = folders.split(":")
    for folder in others:
        with contextlib.suppress(LabError):
            return machine.program(folder, name)
    return machine.program(last, name)


def peers(text):
    installed = [name for name in filters.PEERS if shutil.which(name, path=PATH)]
    chosen = {"all": list(filters.PEERS), "installed": installed}.get(text) or text.split(",")
    if text == "installed" and not installed:
        raise argparse.ArgumentTypeError("none of %s is installed" % ", ".join(filters.PEERS))
    for name in chosen:
        if name not in filters.PEERS:
            raise argparse.ArgumentTypeError("%s is none of %s" % (name, ", ".join(filters.PEERS)))
    return chosen


def sizes(text):
    return [int(word) for word in text.split(",")]


def options(argv):
    parser = argparse.ArgumentParser(prog="bench/queue/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sluice", metavar="DIR[:DIR]", required=True,
                        help="the programs of a build, or where they were installed (sluice bench says it)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=1, metavar="S", help="that each load is measured")
    parser.add_argument("--warm", type=float, default=0.2, metavar="S", help="and runs before")
    parser.add_argument("--list", type=int, default=1000000, metavar="N", help="names that sluice blocks (1000000)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of sluice (1)")
    parser.add_argument("--cpus", default="0", metavar="N,N", help="the processors of everything (0)")
    parser.add_argument("--nice", type=int, default=-15, metavar="N", help="of everything (-15)")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT",
                        help="loads whose name contains TEXT: packets, TCP, bulk, IPv6; may be repeated")
    parser.add_argument("--peers", type=peers, default=[], metavar="NAME,...|installed|all", help=", ".join(filters.PEERS))
    parser.add_argument("--peer", type=pair, action="append", default=[], metavar="NAME=COMMAND",
                        help="SLUICE_BENCH_LIST in its environment is the file of names, one a line")
    parser.add_argument("--ready", type=float, default=3, metavar="S", help="seconds until peers filter (3)")
    parser.add_argument("--variant", type=pair, action="append", default=[], metavar="NAME=KEY:VALUE,...",
                        help="sluice once more, with other options of sluice.yaml")
    parser.add_argument("--build", type=pair, action="append", default=[], metavar="NAME=DIR", help="sluice of another build")
    parser.add_argument("--life", type=sizes, default=[], metavar="N,N", help="then, of sluice and --peers with lists of N names:"
                        "\nstart, memory, a reload, and what is left when all is killed")
    parser.add_argument("--soak", type=float, default=0, metavar="S",
                        help="instead: sluice for S seconds at a share of the highest rate, with reloads; --only says which load\n"
                        "(packets, IPv4). Exit status 1 where a packet was lost, a socket overran or a reload failed")
    parser.add_argument("--share", type=float, default=0.8, metavar="R", help="of the highest rate (0.8)")
    parser.add_argument("--reload-every", type=float, default=10, metavar="S", help="(10)")
    parser.add_argument("--conformance", metavar="FILE", nargs="+", default=[],
                        help="results of tests/conformance/run --format json, to be counted in the report")
    parser.add_argument("--json", metavar="FILE", help="for programs, and bench/queue/compare")
    parser.add_argument("--plot", metavar="DIR", help="pictures of the rates, by gnuplot")
    parser.add_argument("--markdown", metavar="FILE", help="instead of the standard output")
    opts = parser.parse_args(argv)
    if opts.rounds < 0 or opts.seconds <= 0 or opts.warm < 0 or opts.list < 1 or not 0 < opts.share <= 1 or not 1 <= opts.workers <= filters.QUEUE_COUNT:
        parser.error("a number is out of range")
    return opts


def settings_of(text):
    return dict(item.split(":", 1) for item in text.split(","))


def make_filters(opts, folder, names):
    def sub(name):
        path = os.path.join(folder, name.replace("/", "_").replace(" ", "_"))
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path

    def sluice(name, build, settings=None):
        return filters.Sluice(name, program(build, "sluiced"), sub(name), opts.workers, names, settings)

    first = sluice("sluice", opts.sluice)
    null = filters.Null("null", program(opts.sluice, "sl_queue_null"), sub("null"), rules_of(first, opts, folder))
    return [filters.Filter("no filter"), null, first,
            *(sluice(name, opts.sluice, settings_of(text)) for name, text in opts.variant),
            *(sluice(name, build) for name, build in opts.build),
            *(filters.PEERS[name](name, sub(name), names, os.path.join(folder, ASKED)) for name in opts.peers),
            *(filters.Command(name, command, sub(name), names, opts.ready) for name, command in opts.peer)]


@contextlib.contextmanager
def gateway_with(chosen, opts, folder):
    """Namespaces in which the load's server and the filter run."""
    with contextlib.ExitStack() as at_exit:
        with held():
            network = Network()
            at_exit.callback(network.remove)
        loads.prepare(network)
        server = loads.Server(network, program(opts.sluice, "sl_queue_load"), os.path.join(folder, "server.log"))
        at_exit.callback(server.stop)
        at_exit.callback(chosen.stop)
        chosen.start(network)
        yield network


def rules_of(sluice, opts, folder):
    with gateway_with(sluice, opts, folder) as network:
        return filters.capture(network.gateway)


def run_filter(chosen, wanted, folder, opts):
    loader, asked = program(opts.sluice, "sl_queue_load"), os.path.join(folder, ASKED)
    with gateway_with(chosen, opts, folder) as network:
        carried = [load for load in wanted if chosen.carries(load)]
        return {load.name: loads.measure(load, network, loader, asked, opts, chosen.warms_for if load is carried[0] else 0)
                for load in carried}


def run_lives(folder, opts):
    """Of sluice and the peers, at each size of list."""
    for size in opts.life:
        for name in ["sluice", *opts.peers]:
            below = os.path.join(folder, "life-%d-%s" % (size, name))
            os.mkdir(below)
            os.chmod(below, 0o755)
            names, asked = write_names(os.path.join(below, "list.txt"), size, 1), os.path.join(folder, ASKED)
            chosen = (filters.Sluice(name, program(opts.sluice, "sluiced"), below, opts.workers, names)
                      if name == "sluice" else filters.PEERS[name](name, below, names, asked))
            print("life with %d names: %s" % (size, name), file=sys.stderr, flush=True)
            listed = filters.first_line(names)
            with gateway_with(chosen, opts, folder) as network:
                yield {"names": size, **life.live(chosen, network, listed, filters.first_line(asked))}


def run(opts):
    machine.check_kernel()
    wanted = [load for load in loads.LOADS
              if not opts.only or any(text.lower() in load.name.lower() for text in opts.only)]
    if not wanted:
        raise LabError("no load is named like that")
    results, about, stopped = report.Results(), report.machine(opts), None
    with contextlib.ExitStack() as at_exit:
        try:
            with held():
                folder = machine.temporary_folder()
                at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
            names = write_names(os.path.join(folder, "list.txt"), opts.list, 1)
            write_names(os.path.join(folder, ASKED), NAMES, 2)
            results.missed = report.missed(opts.conformance)
            run_rounds(make_filters(opts, folder, names) if opts.rounds else [], wanted, folder, opts, results)
            for life_of_one in run_lives(folder, opts):
                results.lives.append(life_of_one)
        except (Interrupted, LabError) as error:  # what was measured until then is not lost
            stopped = error
        finally:
            ignore()
    results.finish(len(about["cpus_used"]) == 1)
    fine = show(results, about, opts) if stopped is None or results.rounds or results.lives else False
    if stopped is not None:
        raise stopped
    return fine


def run_rounds(chosen, wanted, folder, opts, results):
    for number in range(opts.rounds):
        turn = number % len(chosen)
        for one in chosen[turn:] + chosen[:turn]:
            print("round %d: %s" % (number + 1, one.name), file=sys.stderr, flush=True)
            figures = run_filter(one, wanted, folder, opts)
            results.add(number + 1, one.name, {"ready_s": one.ready_s}, figures)


def run_soak(opts):
    """Each load that --only names, one after the other."""
    wanted = [load for load in loads.LOADS if load.kind in ("raw", "tcp")
              and any(text.lower() in load.name.lower() for text in opts.only or ["packets, IPv4"])]
    if not wanted:
        raise LabError("no load is named like that")
    programs, found = (program(opts.sluice, "sl_queue_load"), program(opts.sluice, "sluice")), []
    with contextlib.ExitStack() as at_exit:
        with held():
            folder = machine.temporary_folder()
            at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
        names = write_names(os.path.join(folder, "list.txt"), opts.list, 1)
        asked = write_names(os.path.join(folder, ASKED), NAMES, 2)
        chosen = filters.Sluice("sluice", program(opts.sluice, "sluiced"), folder, opts.workers, names,
                                {"flow_log": "/dev/null"})  # gigabytes
        with gateway_with(chosen, opts, folder) as network:
            for load in wanted:
                found.append(soak.soak(chosen, network, load, opts, asked, programs))
                print(soak.sentence(found[-1]), flush=True)
    if opts.json:
        with open(opts.json, "w") as to:
            json.dump({"machine": report.machine(opts), "soak": found}, to, indent=1)
    return not any(soak.wrong(figures) for figures in found)


def show(results, about, opts):
    text = report.markdown(results, about)
    if opts.json:
        with open(opts.json, "w") as to:
            to.write(results.json(about))
    if opts.plot:
        plot.draw(results.summary(), opts.plot)
    if opts.markdown:
        with open(opts.markdown, "w") as to:
            to.write(text)
    else:
        print(text, end="")
    return all(figures.get("connections", 1) > 0 and figures.get("lost", 0) + figures.get("refused", 0) == 0
               for r in results.rounds for figures in r["loads"].values())


def main(argv):
    opts = options(argv)
    if os.geteuid() != 0:
        print("bench/queue/run: network namespaces need root", file=sys.stderr)
        return 77
    catch()
    os.environ["PATH"] = PATH
    try:
        os.sched_setaffinity(0, {int(cpu) for cpu in opts.cpus.split(",")})
        os.setpriority(os.PRIO_PROCESS, 0, opts.nice)
        return 0 if (run_soak if opts.soak else run)(opts) else 1
    except (LabError, OSError, ValueError) as error:
        print("bench/queue/run: %s" % error, file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        return interrupted.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
