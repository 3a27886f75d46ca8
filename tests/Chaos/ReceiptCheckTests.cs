using Weir.Chaos.Matrix;
using Xunit;

namespace Weir.Chaos;

/// <summary>The check finds violations: only then does a scenario without violations prove anything.</summary>
public sealed class ReceiptCheckTests
{
    [Fact]
    public void Sequence_AcrossReconnectsEpochsAndNotifiedLosses_IsFine()
    {
        Report report = Of((Entry[])[new("e:1", "a"), new("e:2", "b"), new("f:3", "c"), new("g:7", null), new("g:8", "d")]);

        Assert.Empty(report.Violations);
        Assert.Equal((4, 1, 1), (report.Deliveries, report.Losses, report.EpochsCrossed));
    }

    [Theory]
    [InlineData("e:1 e:3", "after e:1")] // a gap
    [InlineData("e:1 f:3", "after e:1")] // a gap over a change of epochs
    [InlineData("e:2 e:1", "after e:2")] // out of order
    [InlineData("e:1 lost:g:5 g:7", "after g:5")] // a gap after a notified loss
    public void Gap_WithoutANotifiedLoss_IsFound(string received, string expected)
    {
        Report report = Of((Entry[])[.. received.Split(' ').Select(static (each, i) => each.StartsWith("lost:", StringComparison.Ordinal)
            ? new Entry(each[5..], null) : new Entry(each, $"{i}"))]);

        Assert.Contains(expected, Assert.Single(report.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_ReceivedTwice_IsFound()
    {
        Report report = Of((Entry[])[new("e:1", "a"), new("e:2", "a")]);

        Assert.Contains("twice", Assert.Single(report.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Position_OfTwoMessages_IsFound()
    {
        Entry[] one = [new("e:1", "a")];
        Entry[] other = [new("e:1", "b")];

        Assert.Contains("which is a", Assert.Single(Of(one, other).Violations).Text, StringComparison.Ordinal);
        Report confirmed = ReceiptCheck.Of([Account(one)], [("room", Position.Parse("e:1"), "c")], 0);
        Assert.Contains("which is c", Assert.Single(confirmed.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_WithoutAPosition_IsFoundOnlyWhereTheRoomGivesPositions()
    {
        Account account = new("room", [new(Position.Parse("e:1"), "a"), new(null, "b"), new(Position.Parse("e:2"), "c")], 0);

        Assert.Contains("without a position", Assert.Single(ReceiptCheck.Of([account], [], 0).Violations).Text, StringComparison.Ordinal);
        Assert.Empty(ReceiptCheck.Of([account with { MayLackPositions = true }], [], 0).Violations);
    }

    [Theory]
    [InlineData("e:1 null e:3", null)] // the offset that was left out stands for a message without one
    [InlineData("e:1 null e:2 e:4", null)] // and may come later
    [InlineData("e:1 e:3", null)] // also for a listener that came after that message
    [InlineData("e:3 e:1", "after e:3")]
    [InlineData("e:1 null e:4", "without two")]
    public void SkippedNumber_IsFoundWhereItIsAMessage(string received, string? expected)
    {
        Account account = new("room", [.. received.Split(' ').Select(static each => new Receipt(each == "null" ? null : Position.Parse(each), each))], 0)
        {
            MayLackPositions = true,
        };
        (string, Position, string)[] confirmed = received == "e:1 null e:4" ? [("room", Position.Parse("e:2"), "two")] : [];

        IReadOnlyList<Violation> violations = ReceiptCheck.Of([account], confirmed, 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Message_ThatOneListenerLacksWithoutANotifiedLoss_IsFound()
    {
        Account whole = Account([new("e:1", "a"), new("e:2", "b")]);
        Account less = Account([new("e:1", "a")]);
        Account notified = Account([new("e:1", "a"), new("e:2", null)]);
        List<Violation> violations = [];

        ReceiptCheck.FindMissing([whole, less, notified], violations);

        Assert.Contains("was not given b", Assert.Single(violations).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kept|p|1 kept|q|1 kept|p|3", null)]
    [InlineData("kept|p|2 kept|q|1 kept|p|1", "after number 2")]
    public void RawMember_OfARoomThatIsNotDurable_IsCheckedByTheOrderOfEachPublisher(string received, string? expected)
    {
        Account raw = new("kept", [.. received.Split(' ').Select(static each => new Receipt(null, each))], 0) { Way = Way.Raw, MayLackPositions = true };

        IReadOnlyList<Violation> violations = ReceiptCheck.Of([raw], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a b c", null)]
    [InlineData("a c", null)] // a protocol without positions cannot notify of it
    [InlineData("b a", "after e:2")]
    [InlineData("b reconnect a", null)] // on another connection
    [InlineData("a reconnect a", "twice")]
    public void WayWithoutPositions_IsCheckedByOrderAndByNotTwice(string received, string? expected)
    {
        Account numbered = Account([new("e:1", "a"), new("e:2", "b"), new("e:3", "c")]);
        Account raw = new("room", [.. received.Split(' ').Select(static each => each == "reconnect" ? Receipt.NewConnection : new Receipt(null, each))], 0)
        {
            Way = Way.Raw,
        };

        IReadOnlyList<Violation> violations = ReceiptCheck.Of([raw, numbered], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("e:1 e:2 resumed:e:1 e:2 e:3", null)] // what had arrived, and was not taken yet, is given again
    [InlineData("e:1 resumed:e:1 e:3", "got e:3 after e:1")]
    [InlineData("e:1 e:2 resumed:e:2 e:2", "twice")]
    [InlineData("e:1 resumed:e:2 e:3", "got e:3 after e:1")] // it continues from an offset that it never received
    [InlineData("resumed:e:4 e:6", "got e:6 after e:4")] // a first position
    public void Resumption_ContinuesFromTheRequestedPosition(string received, string? expected)
    {
        Account account = new("room", [.. received.Split(' ').Select(static each => each.StartsWith("resumed:", StringComparison.Ordinal)
            ? new Receipt(Position.Parse(each[8..]), "") { IsResumption = true } : new Receipt(Position.Parse(each), each))], 0);

        IReadOnlyList<Violation> violations = ReceiptCheck.Of([account], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.Contains(expected ?? "", violations.Count > 0 ? violations[0].Text : "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c a b", null)]
    [InlineData("c a", "was not given b")]
    [InlineData("a b a c", "got a twice")]
    public void WayThatDoesNotKeepTheOrder_IsCheckedAsASet(string received, string? expected)
    {
        Account whole = Account([new("e:1", "a"), new("e:2", "b"), new("e:3", "c")]);
        Account set = new("room", [.. received.Split(' ').Select(static each => new Receipt(null, each))], 0)
        {
            Way = Way.Application(Way.Sse),
        };

        List<Violation> violations = [.. ReceiptCheck.Of([whole, set], [], 0).Violations];
        ReceiptCheck.FindMissing([whole, set], violations);

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    private static Report Of(params Entry[][] received) => ReceiptCheck.Of([.. received.Select(Account)], [], 0);

    private static Account Account(Entry[] received)
        => new("room", [.. received.Select(static each => new Receipt(Position.Parse(each.Id), each.Text))], 0);

    private sealed record Entry(string Id, string? Text);
}
