using Microsoft.AspNetCore.Http;
using Weir.Host.Features;
using Weir.Host.Machine;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>What a machine lacks that a test cannot change: the kernel's limits, its clock.</summary>
public sealed class MachineReportTests
{
    private static readonly MachineState _good = new()
    {
        MaxOpenFiles = 1_000_000,
        ListenBacklog = 4096,
        EphemeralPorts = 28_232,
        TrackedConnections = 262_144,
        MemoryBytes = 64L << 30,
        IsClockSynchronized = true,
        Now = new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero),
    };

    [Fact]
    public void GoodMachine_LacksNothing() => Assert.Empty(Report(_good, 20_000, isBehindProxy: true).Open);

    [Fact]
    public void UnknownValues_AreNotReported()
        => Assert.Empty(Report(new MachineState { MemoryBytes = 64L << 30, Now = _good.Now }, 100_000, isBehindProxy: true).Open);

    [Fact]
    public void SmallBacklog_IsAWarning()
        => AssertOnly(Report(_good with { ListenBacklog = 128 }, null), Severity.Warning, "Only 128 connections may wait", "net.core.somaxconn");

    [Fact]
    public void MoreConnectionsThanPorts_AreAWarning_BehindAProxyOnly()
    {
        AssertOnly(Report(_good, 28_233, isBehindProxy: true), Severity.Warning, "at most 28232 connections", "28233 are planned");
        Assert.Empty(Report(_good, 28_233, isBehindProxy: false).Open);
    }

    [Fact]
    public void MoreConnectionsThanTracked_AreAWarning()
        => AssertOnly(Report(_good with { TrackedConnections = 1000 }, 1001), Severity.Warning, "nf_conntrack_max");

    [Fact]
    public void TooFewDescriptors_ForTheLimitOfTheSettings_AreADanger()
    {
        Exposure exposure = new([]) { MaxConnections = 1000 };
        new MachineReport(_good with { MaxOpenFiles = 1024 }).AddTo(exposure, connections: null);

        AssertOnly(exposure, Severity.Danger, "1000 connections need 1220 descriptors");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ClockWithoutATimeServer_IsAWarningWhereTokensExpire(bool verifiesTokens)
        => AssertOnly(
            Report(_good with { IsClockSynchronized = false }, 1, verifiesTokens: verifiesTokens),
            verifiesTokens ? Severity.Warning : Severity.Note,
            "The clock is not synchronized");

    [Fact]
    public void ClockAtTheEpoch_IsADangerWhereTokensExpire()
        => AssertOnly(
            Report(_good with { Now = DateTimeOffset.UnixEpoch }, 1, verifiesTokens: true), Severity.Danger, "The clock shows 1970-01-01");

    [Fact]
    public void ThisMachine_IsRead()
    {
        MachineState machine = MachineState.Read();

        Assert.InRange(machine.MemoryBytes, 1 << 20, long.MaxValue);
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(File.ReadAllText("/proc/sys/net/core/somaxconn").Trim(), machine.ListenBacklog.ToString());
            Assert.InRange(machine.EphemeralPorts!.Value, 1, 65_535);
        }
    }

    private static Exposure Report(MachineState machine, int? connections, bool isBehindProxy = false, bool verifiesTokens = false)
    {
        Exposure exposure = new([BindingAddress.Parse("http://*:80")]) { IsBehindProxy = isBehindProxy, VerifiesTokens = verifiesTokens };
        new MachineReport(machine).AddTo(exposure, connections ?? 1);
        return exposure;
    }

    private static void AssertOnly(Exposure exposure, Severity severity, params string[] texts)
    {
        Finding finding = Assert.Single(exposure.Open);
        Assert.Equal((ExposureArea.Machine, severity), (finding.Area, finding.Severity));
        Assert.All(texts, text => Assert.Contains(text, finding.Text, StringComparison.Ordinal));
    }
}
