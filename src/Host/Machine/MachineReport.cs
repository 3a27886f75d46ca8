using System.Globalization;
using Weir.Host.Features;

namespace Weir.Host.Machine;

/// <summary>Compares the machine with what the settings, and a number of connections, need of it.</summary>
/// <param name="machine">The machine.</param>
internal sealed class MachineReport(MachineState machine)
{
    private const int OwnDescriptors = 220; // of the Host without a client: docs/operations/tuning.md
    private const int Backlog = 4096; // what the epoll transport requests

    // No server of this version ran before it was written.
    private static readonly DateTimeOffset _earliest = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="exposure">Receives the findings.</param>
    /// <param name="connections">The connections that the node is to serve; <c>null</c>: as many as the settings admit.</param>
    public void AddTo(Exposure exposure, int? connections)
    {
        int? wanted = connections ?? (exposure.MaxConnections > 0 ? exposure.MaxConnections : null);
        AddDescriptors(exposure, wanted);
        AddBacklog(exposure);
        AddClock(exposure);
        if (wanted is { } count)
        {
            AddPorts(exposure, count);
            AddTracking(exposure, count);
            AddMemory(exposure, count);
        }
    }

    private void AddDescriptors(Exposure exposure, int? connections)
    {
        if (machine.MaxOpenFiles is not { } limit)
        {
            return;
        }

        long room = Math.Max(0, limit - OwnDescriptors);
        if (connections is { } count)
        {
            exposure.Add(
                ExposureArea.Machine,
                room >= count,
                $"{limit} descriptors are enough for {count} connections",
                $"{count} connections need {count + OwnDescriptors} descriptors, and the limit is {limit}: raise it (LimitNOFILE, ulimit -Hn)",
                Severity.Danger);
        }
        else
        {
            exposure.AddOpen(
                ExposureArea.Machine,
                $"The limit of {limit} descriptors permits {room} connections; further clients wait without an answer. Set "
                + "Weir:Limits:MaxConnections below it",
                Severity.Note);
        }
    }

    private void AddBacklog(Exposure exposure)
    {
        if (machine.ListenBacklog is { } backlog)
        {
            exposure.Add(
                ExposureArea.Machine,
                backlog >= Backlog,
                $"{backlog} connections may wait to be accepted (net.core.somaxconn)",
                $"Only {backlog} connections may wait to be accepted, of {Backlog} that the server requests: when many connect at once "
                + $"some wait for seconds. Set net.core.somaxconn to {Backlog} or more");
        }
    }

    // Tokens and grants end by the wall clock.
    private void AddClock(Exposure exposure)
    {
        if (machine.Now < _earliest)
        {
            exposure.AddOpen(
                ExposureArea.Machine,
                string.Create(
                    CultureInfo.InvariantCulture, $"The clock shows {machine.Now:yyyy-MM-dd}, so expired tokens are accepted: set it"),
                exposure.VerifiesTokens ? Severity.Danger : Severity.Warning);
        }
        else if (machine.IsClockSynchronized is { } isSynchronized)
        {
            exposure.Add(
                ExposureArea.Machine,
                isSynchronized,
                "The clock is synchronized",
                "The clock is not synchronized with a time server, as far as the kernel knows"
                + (exposure.VerifiesTokens ? ": tokens end too late or too early" : ""),
                exposure.VerifiesTokens ? Severity.Warning : Severity.Note);
        }
    }

    private void AddPorts(Exposure exposure, int connections)
    {
        if (exposure.IsBehindProxy && machine.EphemeralPorts is { } ports && connections > ports)
        {
            exposure.AddOpen(
                ExposureArea.Machine,
                $"A proxy with one address opens at most {ports} connections to one port of this node, if its net.ipv4.ip_local_port_range is "
                + $"that of this machine, and {connections} are planned: let the node listen on several ports, or widen the range");
        }
    }

    private void AddTracking(Exposure exposure, int connections)
    {
        if (machine.TrackedConnections is { } tracked && connections > tracked)
        {
            exposure.AddOpen(
                ExposureArea.Machine,
                $"A firewall of this machine tracks at most {tracked} connections, and {connections} are planned: raise "
                + "net.netfilter.nf_conntrack_max, or exempt the port");
        }
    }

    private void AddMemory(Exposure exposure, int connections)
    {
        long idle = exposure.Memory.Idle(connections);
        long most = exposure.Memory.Most(connections);
        string needs = $"{connections} connections need {Show(idle)} while they are idle and at most {Show(most)} (without slow clients beyond "
            + "Weir:Pressure:NodeMegabytes, and what handlers and rooms need)";
        exposure.Add(
            ExposureArea.Machine,
            most <= machine.MemoryBytes,
            $"{needs}, of {Show(machine.MemoryBytes)}",
            $"{needs}, and there are {Show(machine.MemoryBytes)}",
            idle > machine.MemoryBytes ? Severity.Danger : Severity.Warning);
    }

    private static string Show(long bytes) => bytes >= 10_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F0} GB")
        : bytes >= 1_000_000_000 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F1} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB");
}
