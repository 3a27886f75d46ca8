using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Kafka.Presence;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>Presence in the memory of a node.</summary>
public sealed class PresenceTableTests
{
    private static readonly RoomMember _ann = new("ann", "", default, default);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Client_ThatIsNotRefreshed_ExpiresOnce()
    {
        PresenceTable table = new(_time);
        lock (table.Gate)
        {
            Assert.True(table.SetInsideGate("room", _ann, TimeSpan.FromSeconds(10)));
            _time.Advance(TimeSpan.FromSeconds(9));
            Assert.False(table.SetInsideGate("room", _ann, TimeSpan.FromSeconds(10)));
            _time.Advance(TimeSpan.FromSeconds(9));
            Assert.Empty(table.ExpiredInsideGate());
            Assert.Single(table.ReadInsideGate("room"));

            _time.Advance(TimeSpan.FromSeconds(1));

            Assert.Empty(table.ReadInsideGate("room"));
            Assert.Equal([("room", "ann")], table.ExpiredInsideGate());
            Assert.NotNull(table.RemoveInsideGate("room", "ann"));
            Assert.Null(table.RemoveInsideGate("room", "ann"));
            Assert.Equal(0, table.Count);
        }
    }

    [Fact]
    public void Interruption_InWhichNoClientCouldBeRefreshed_EndsNoPresence()
    {
        PresenceTable table = new(_time);
        lock (table.Gate)
        {
            table.SetInsideGate("room", _ann, TimeSpan.FromSeconds(10));
            _time.Advance(TimeSpan.FromMinutes(10));
            table.ContinueInsideGate();

            Assert.Single(table.ReadInsideGate("room"));
            _time.Advance(TimeSpan.FromSeconds(10));
            Assert.Empty(table.ReadInsideGate("room"));
        }
    }

    [Fact]
    public void Lifetime_OfTenYears_DoesNotOverflow()
    {
        PresenceTable table = new(_time);
        lock (table.Gate)
        {
            table.SetInsideGate("room", _ann, TimeSpan.MaxValue);
            _time.Advance(TimeSpan.FromDays(365));

            Assert.Single(table.ReadInsideGate("room"));
        }
    }

    [Fact]
    public void Own_ReturnsTheRestOfLifetimes_AndDropsWhatWasNotRefreshed()
    {
        OwnPresence own = new(_time);
        lock (own.Gate)
        {
            own.SetInsideGate("room", _ann, TimeSpan.FromSeconds(10));
            own.SetInsideGate("room", new RoomMember("bob", "", default, default), TimeSpan.FromSeconds(3));
            own.SetInsideGate("room", new RoomMember("eve", "", default, default), TimeSpan.FromSeconds(30));
            own.RemoveInsideGate("room", "eve");
            _time.Advance(TimeSpan.FromSeconds(4));

            (string room, RoomMember member, TimeSpan left) = Assert.Single(own.ReadInsideGate());
            Assert.Equal(("room", "ann", TimeSpan.FromSeconds(6)), (room, member.Client, left));
        }
    }
}
