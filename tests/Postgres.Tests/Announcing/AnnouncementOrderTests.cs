using Microsoft.Extensions.Logging.Abstractions;
using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Testing;
using Xunit;

namespace Weir.Brokers.Postgres.Tests.Announcing;

/// <summary>The order of batches, from memory and from the table, without a server.</summary>
public sealed class AnnouncementOrderTests
{
    private const int Lane = 1;

    private readonly List<string> _delivered = [];
    private readonly AnnouncementOrder _order = new(
        new AnnouncementTarget(new RecordingSink("node"), new Subscriptions(), NullLogger.Instance));

    [Fact]
    public void Add_OfTheNext_IsDelivered_AndOfALaterOneWaits()
    {
        int session = _order.Begin("generation", [0, 10]);

        bool next = Add(session, 11);
        bool later = Add(session, 13);
        bool between = Add(session, 12);

        Assert.Equal((true, false, true), (next, later, between));
        Assert.Equal(["11", "12", "13"], _delivered);
        Assert.Equal(13, _order.LastOf(Lane));
    }

    [Fact]
    public void Add_OfOneThatWasDelivered_IsIgnored()
    {
        int session = _order.Begin("generation", [0, 0]);
        Add(session, 1);

        Assert.True(Add(session, 1));

        Assert.Equal(["1"], _delivered);
    }

    [Fact]
    public void Add_FromAnEarlierSession_IsIgnored()
    {
        int first = _order.Begin("generation", [0, 0]);
        Add(first, 1);
        int second = _order.Begin("another generation", [0, 0]);

        Add(first, 1);
        Add(second, 1);

        Assert.Equal(["1", "1"], _delivered); // of each generation its own
    }

    [Fact]
    public void Begin_InTheSameGeneration_ContinuesFromTheLast_WhateverTheHead()
    {
        Add(_order.Begin("generation", [0, 0]), 1);

        int session = _order.Begin("generation", [0, 7]);

        Assert.Equal(1, _order.LastOf(Lane));
        Assert.False(Add(session, 7)); // 2 to 6 are read first
    }

    [Theory]
    [InlineData("another generation", 3, false)]
    [InlineData("generation", 3, true)] // removed before they were read
    [InlineData("generation", 0, false)] // the table was emptied
    public void Begin_WhereTheAnnouncementsAreOthers_StartsAtTheHead(string generation, long head, bool isBroken)
    {
        int first = _order.Begin("generation", [0, 0]);
        Add(first, 1);
        if (isBroken)
        {
            _order.Break(first, Lane);
        }

        int session = _order.Begin(generation, [0, head]);

        Assert.Equal(head, _order.LastOf(Lane));
        Assert.True(Add(session, head + 1));
    }

    [Fact]
    public void Break_FromAnEarlierSession_IsIgnored()
    {
        int first = _order.Begin("generation", [0, 0]);
        int second = _order.Begin("generation", [0, 0]);
        Add(second, 1);

        _order.Break(first, Lane);
        _order.Begin("generation", [0, 5]);

        Assert.Equal(1, _order.LastOf(Lane));
    }

    private bool Add(int session, long number) => _order.Add(session, Lane, number, new Batch(() => _delivered.Add($"{number}")));

    private sealed class Batch(Action deliver) : IAnnouncedBatch
    {
        public void Deliver(AnnouncementTarget target) => deliver();
    }
}
