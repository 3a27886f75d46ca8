using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Xunit;
using Disposition = Weir.Relay.Rooms.RoomSequence.Disposition;

namespace Weir.Relay.Tests.Rooms;

public sealed class RoomSequenceTests
{
    private readonly RoomSequence _sequence = new();
    private readonly List<Publication> _deliver = [];

    [Fact]
    public void Announced_BeforeThePositionIsKnown_IsHeldAndNotLost()
    {
        Assert.Equal([Disposition.Held, Disposition.Held], [Announce(7), Announce(9)]);

        RoomSequence.Result first = Read(began: 0, top: 9);
        RoomSequence.Result second = Read(_sequence.Position.Offset, top: 9, 8, 9);

        Assert.Equal((true, false), (first.MustReadAgain, second.MustReadAgain));
        Assert.Equal([7, 8, 9], Delivered);
        Assert.Null(first.Loss ?? second.Loss);
    }

    [Fact]
    public void Announced_WhileTheHistoryCannotBeRead_IsTakenAsItIs()
    {
        Announce(7);

        _sequence.OnHistoryNotRead(_deliver);

        Assert.Equal([7], Delivered);
        Assert.Equal(Disposition.Deliver, Announce(8));
    }

    [Fact]
    public void Announced_NextOnes_AreDelivered_AndAGapIsHeldWithAllThatFollow()
    {
        Start(1);

        Assert.Equal([Disposition.Deliver, Disposition.Held, Disposition.Held], [Announce(2), Announce(4), Announce(5)]);
        Assert.Equal(2, _sequence.Position.Offset);

        RoomSequence.Result result = Read(began: 2, top: 5, 3, 4, 5);

        Assert.Equal([3, 4, 5], Delivered);
        Assert.Equal((null, false), (result.Loss, result.MustReadAgain));
        Assert.Equal(Disposition.Deliver, Announce(6));
    }

    [Fact]
    public void Read_OlderThanWhatIsHeld_FillsTheGapAndReleasesTheRest()
    {
        Start(1);
        Announce(3);
        Announce(4);

        Read(began: 1, top: 2, 2);

        Assert.Equal([2, 3, 4], Delivered);
    }

    [Fact]
    public void Read_NewerThanTheAnnouncements_MakesThoseKnown()
    {
        Start(1);

        Read(began: 1, top: 3, 2, 3);

        Assert.Equal([2, 3], Delivered);
        Assert.Equal([Disposition.Known, Disposition.Known, Disposition.Deliver], [Announce(2), Announce(3), Announce(4)]);
    }

    [Fact]
    public void Read_BeforeAnyAnnouncement_SetsThePositionAndDeliversNothing()
    {
        RoomSequence.Result result = Read(began: 0, top: 9, 8, 9);

        Assert.Empty(Delivered);
        Assert.Null(result.Loss);
        Assert.Equal(new StreamPosition("e", 9), _sequence.Position);
        Assert.Equal(Disposition.Deliver, Announce(10));
    }

    [Fact]
    public void Read_TrimmedBeyondThePosition_IsALossAndContinuesWithTheRest()
    {
        Start(1);

        RoomSequence.Result result = Read(began: 1, top: 9, 8, 9);

        Assert.Equal((PositionLoss.Trimmed, new StreamPosition("e", 7)), (result.Loss, result.From));
        Assert.Equal([8, 9], Delivered);
    }

    [Theory]
    [InlineData(new long[0], new long[0])]
    [InlineData(new long[] { 3 }, new long[0])]
    [InlineData(new long[] { 2, 3 }, new long[] { 2, 3 })]
    public void Read_WithoutTheNewest_GivesWhatFollows_ThenALossUpToTheTop(long[] offsets, long[] delivered)
    {
        Start(1);

        RoomSequence.Result result = Read(began: 1, top: 4, offsets);

        Assert.Equal((PositionLoss.Trimmed, new StreamPosition("e", 4)), (result.Loss, result.From));
        Assert.Equal(delivered, Delivered);
        Assert.Equal(delivered.Length, result.BeforeLoss);
    }

    [Fact]
    public void Read_WithANumberLeftOut_GivesWhatIsBeforeIt_TheLoss_AndWhatIsAfterIt()
    {
        Start(1);

        RoomSequence.Result result = Read(began: 1, top: 6, 2, 3, 5, 6);

        Assert.Equal((PositionLoss.Trimmed, new StreamPosition("e", 4), 2), (result.Loss, result.From, result.BeforeLoss));
        Assert.Equal([2, 3, 5, 6], Delivered);
    }

    [Fact]
    public void Read_OfAnotherEpoch_IsALossAndContinuesWithAllOfIt()
    {
        Start(5);
        Assert.Equal(Disposition.Held, Announce(2, "f"));

        RoomSequence.Result result = Read(began: 5, new StreamPosition("f", 2), 1, 2);

        Assert.Equal((PositionLoss.EpochChanged, new StreamPosition("f", 0)), (result.Loss, result.From));
        Assert.Equal([1, 2], Delivered);
        Assert.Equal(Disposition.Deliver, Announce(3, "f"));
    }

    [Fact]
    public void Read_OfAnotherEpochThatHoldsThePosition_ContinuesWithoutALoss()
    {
        Start(5);
        Announce(7); // held for ever, if the old epoch were still waited for
        Announce(6, "f");

        RoomSequence.Result result = Read(began: 5, new StreamPosition("f", 6), past: [new("e", 5)], 6);

        Assert.Equal((null, false), (result.Loss, result.MustReadAgain));
        Assert.Equal([6], Delivered);
        Assert.Equal(new StreamPosition("f", 6), _sequence.Position);
        Assert.Equal([Disposition.Deliver, Disposition.DeliverAfterLoss], [Announce(7, "f"), Announce(7, "f")]);
    }

    [Fact]
    public void Read_OfAnotherEpochThatHoldsLessThanThePosition_IsALossAndRepeatsNothingThatBothHave()
    {
        Start(5);

        RoomSequence.Result result = Read(began: 5, new StreamPosition("f", 6), past: [new("e", 4)], 3, 4, 5, 6);

        Assert.Equal((PositionLoss.EpochChanged, new StreamPosition("f", 4)), (result.Loss, result.From));
        Assert.Equal([5, 6], Delivered);
    }

    [Fact]
    public void Read_WithATopBelowThePosition_IsARollBack()
    {
        Start(5);

        RoomSequence.Result result = Read(began: 5, top: 3);

        Assert.Equal((PositionLoss.RolledBack, new StreamPosition("e", 3)), (result.Loss, result.From));
        Assert.Equal(Disposition.Deliver, Announce(4));
    }

    [Fact]
    public void Read_ThatBeganBeforeOthersWereDelivered_IsNoRollBack()
    {
        Start(5);
        StreamPosition began = _sequence.Position;
        Announce(6);

        RoomSequence.Result result = Read(began.Offset, top: 5);

        Assert.Null(result.Loss);
        Assert.Equal(6, _sequence.Position.Offset);
    }

    [Fact]
    public void Announced_AnOffsetAgain_IsARollBack()
    {
        Start(5);
        Announce(6);

        Assert.Equal(Disposition.DeliverAfterLoss, Announce(5));
        Assert.Equal(Disposition.Deliver, Announce(6));
    }

    [Fact]
    public void Gap_ThatNoReadFills_IsALossAfterAFewReads()
    {
        Start(1);
        Announce(5);
        List<RoomSequence.Result> results = [];
        do
        {
            results.Add(Read(began: 1, top: 1)); // a replica that lags behind
        }
        while (results[^1].MustReadAgain);

        Assert.Equal(4, results.Count);
        Assert.Equal((PositionLoss.Trimmed, new StreamPosition("e", 4)), (results[^1].Loss, results[^1].From));
        Assert.Equal([5], Delivered);
    }

    [Fact]
    public void Held_OfAnEpochThatIsOver_IsDropped_AndTheRoomDoesNotGoBackToIt()
    {
        Start(1);
        Announce(7, "over");
        Announce(3);
        List<RoomSequence.Result> results = [];
        do
        {
            results.Add(Read(began: _sequence.Position.Offset, top: 3, [2, 3]));
        }
        while (results[^1].MustReadAgain && results.Count < 10);

        Assert.All(results, static result => Assert.Null(result.Loss));
        Assert.Equal([2, 3], Delivered);
        Assert.Equal(new StreamPosition("e", 3), _sequence.Position);
    }

    [Fact]
    public void Held_OfAnEpochThatAReadDoesNotShowYet_IsKept_UntilOneThatBeganAfterIt()
    {
        Start(1);
        Announce(1, "new");

        Assert.True(Read(began: 1, top: 1).MustReadAgain); // began before the new epoch did
        RoomSequence.Result result = Read(began: 1, new StreamPosition("new", 1), 1);

        Assert.Equal((PositionLoss.EpochChanged, new StreamPosition("new", 0), false), (result.Loss, result.From, result.MustReadAgain));
        Assert.Equal([1], Delivered);
    }

    [Fact]
    public void Held_BeyondTheBound_IsReleasedAndReadAgain()
    {
        Start(1);
        for (int i = 0; i <= RoomSequence.MaxHeld; i++)
        {
            Announce(3 + i);
        }

        RoomSequence.Result result = Read(began: 1, top: 2, 2);

        Assert.True(result.MustReadAgain);
        Assert.Equal([2], Delivered);
    }

    private IReadOnlyList<long> Delivered => [.. _deliver.Select(static publication => publication.Offset)];

    /// <summary>A room that is at this place.</summary>
    private void Start(long offset) => Read(began: 0, top: offset);

    private Disposition Announce(long offset, string epoch = "e") => _sequence.OnAnnounced("x".ToPublication().WithOffset(offset), epoch);

    private RoomSequence.Result Read(long began, long top, params long[] offsets) => Read(began, new StreamPosition("e", top), offsets);

    private RoomSequence.Result Read(long began, StreamPosition top, params long[] offsets) => Read(began, top, past: [], offsets);

    private RoomSequence.Result Read(long began, StreamPosition top, StreamPosition[] past, params long[] offsets)
        => _sequence.OnHistory(
            new RoomHistory([.. offsets.Select(static offset => "x".ToPublication().WithOffset(offset))], top) { Past = past },
            new StreamPosition("e", began),
            _deliver);
}
