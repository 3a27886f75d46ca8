using Weir.Chaos.Matrix;
using Xunit;

namespace Weir.Chaos;

/// <summary>The judge finds what may not be: a scenario without violations is worth something only then.</summary>
public sealed class JudgeTests
{
    [Fact]
    public void Sequence_AcrossReconnectsEpochsAndToldLosses_IsFine()
    {
        Report report = Of((Said[])[new("e:1", "a"), new("e:2", "b"), new("f:3", "c"), new("g:7", null), new("g:8", "d")]);

        Assert.Empty(report.Violations);
        Assert.Equal((4, 1, 1), (report.Deliveries, report.Told, report.EpochsCrossed));
    }

    [Theory]
    [InlineData("e:1 e:3", "after e:1")] // a gap
    [InlineData("e:1 f:3", "after e:1")] // a gap over a change of epochs
    [InlineData("e:2 e:1", "after e:2")] // out of order
    [InlineData("e:1 lost:g:5 g:7", "after g:5")] // a gap after a loss that was told
    public void Gap_WithoutAWordOfIt_IsFound(string heard, string expected)
    {
        Report report = Of((Said[])[.. heard.Split(' ').Select(static (each, i) => each.StartsWith("lost:", StringComparison.Ordinal)
            ? new Said(each[5..], null) : new Said(each, $"{i}"))]);

        Assert.Contains(expected, Assert.Single(report.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_HeardTwice_IsFound()
    {
        Report report = Of((Said[])[new("e:1", "a"), new("e:2", "a")]);

        Assert.Contains("twice", Assert.Single(report.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Position_OfTwoMessages_IsFound()
    {
        Said[] one = [new("e:1", "a")];
        Said[] other = [new("e:1", "b")];

        Assert.Contains("which is a", Assert.Single(Of(one, other).Violations).Text, StringComparison.Ordinal);
        Report confirmed = Judge.Of([Account(one)], [("room", Position.Parse("e:1"), "c")], 0);
        Assert.Contains("which is c", Assert.Single(confirmed.Violations).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_WithoutAPosition_IsFoundOnlyWhereTheRoomGivesPositions()
    {
        Account account = new("room", [new(Position.Parse("e:1"), "a"), new(null, "b"), new(Position.Parse("e:2"), "c")], 0);

        Assert.Contains("without a position", Assert.Single(Judge.Of([account], [], 0).Violations).Text, StringComparison.Ordinal);
        Assert.Empty(Judge.Of([account with { MayLackPositions = true }], [], 0).Violations);
    }

    [Theory]
    [InlineData("e:1 null e:3", null)] // the number that was left out stands for what had none
    [InlineData("e:1 null e:2 e:4", null)] // and may come later
    [InlineData("e:1 e:3", null)] // also for a listener that came after what had none
    [InlineData("e:3 e:1", "after e:3")]
    [InlineData("e:1 null e:4", "without two")]
    public void SkippedNumber_IsFoundWhereItIsAMessage(string heard, string? expected)
    {
        Account account = new("room", [.. heard.Split(' ').Select(static each => new Heard(each == "null" ? null : Position.Parse(each), each))], 0)
        {
            MayLackPositions = true,
        };
        (string, Position, string)[] confirmed = heard == "e:1 null e:4" ? [("room", Position.Parse("e:2"), "two")] : [];

        IReadOnlyList<Violation> violations = Judge.Of([account], confirmed, 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Message_ThatOneListenerLacksWithoutAWord_IsFound()
    {
        Account whole = Account([new("e:1", "a"), new("e:2", "b")]);
        Account less = Account([new("e:1", "a")]);
        Account told = Account([new("e:1", "a"), new("e:2", null)]);
        List<Violation> violations = [];

        Judge.FindMissing([whole, less, told], violations);

        Assert.Contains("was not given b", Assert.Single(violations).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kept|p|1 kept|q|1 kept|p|3", null)]
    [InlineData("kept|p|2 kept|q|1 kept|p|1", "after number 2")]
    public void RawMember_OfARoomThatIsNotDurable_IsJudgedByTheOrderOfEachPublisher(string heard, string? expected)
    {
        Account raw = new("kept", [.. heard.Split(' ').Select(static each => new Heard(null, each))], 0) { Way = Way.Raw, MayLackPositions = true };

        IReadOnlyList<Violation> violations = Judge.Of([raw], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a b c", null)]
    [InlineData("a c", null)] // a protocol without positions has no word for it
    [InlineData("b a", "after e:2")]
    [InlineData("b reconnect a", null)] // on another connection
    [InlineData("a reconnect a", "twice")]
    public void WayWithoutPositions_IsJudgedByOrderAndByNotTwice(string heard, string? expected)
    {
        Account numbered = Account([new("e:1", "a"), new("e:2", "b"), new("e:3", "c")]);
        Account raw = new("room", [.. heard.Split(' ').Select(static each => each == "reconnect" ? Heard.NewConnection : new Heard(null, each))], 0)
        {
            Way = Way.Raw,
        };

        IReadOnlyList<Violation> violations = Judge.Of([raw, numbered], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("e:1 e:2 resumed:e:1 e:2 e:3", null)] // what had arrived, and was not taken yet, is given again
    [InlineData("e:1 resumed:e:1 e:3", "got e:3 after e:1")]
    [InlineData("e:1 e:2 resumed:e:2 e:2", "twice")]
    [InlineData("e:1 resumed:e:2 e:3", "got e:3 after e:1")] // it goes on from what it was never given
    [InlineData("resumed:e:4 e:6", "got e:6 after e:4")] // a first position
    public void Resumption_GoesOnFromThePositionAskedFor(string heard, string? expected)
    {
        Account account = new("room", [.. heard.Split(' ').Select(static each => each.StartsWith("resumed:", StringComparison.Ordinal)
            ? new Heard(Position.Parse(each[8..]), "") { IsResumption = true } : new Heard(Position.Parse(each), each))], 0);

        IReadOnlyList<Violation> violations = Judge.Of([account], [], 0).Violations;

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.Contains(expected ?? "", violations.Count > 0 ? violations[0].Text : "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c a b", null)]
    [InlineData("c a", "was not given b")]
    [InlineData("a b a c", "got a twice")]
    public void WayThatDoesNotKeepTheOrder_IsJudgedAsASet(string heard, string? expected)
    {
        Account whole = Account([new("e:1", "a"), new("e:2", "b"), new("e:3", "c")]);
        Account set = new("room", [.. heard.Split(' ').Select(static each => new Heard(null, each))], 0)
        {
            Way = Way.Application(Way.Sse),
        };

        List<Violation> violations = [.. Judge.Of([whole, set], [], 0).Violations];
        Judge.FindMissing([whole, set], violations);

        Assert.Equal(expected is not null, violations.Count > 0);
        Assert.All(violations, violation => Assert.Contains(expected!, violation.Text, StringComparison.Ordinal));
    }

    private static Report Of(params Said[][] heard) => Judge.Of([.. heard.Select(Account)], [], 0);

    private static Account Account(Said[] heard)
        => new("room", [.. heard.Select(static each => new Heard(Position.Parse(each.Id), each.Text))], 0);

    private sealed record Said(string Id, string? Text);
}
