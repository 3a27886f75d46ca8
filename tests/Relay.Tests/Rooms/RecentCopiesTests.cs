using Microsoft.Extensions.Time.Testing;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Xunit;

namespace Weir.Relay.Tests.Rooms;

public sealed class RecentCopiesTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Of_SameNodeAndNumber_IsTheSame()
    {
        RecentCopies recent = new(_time);
        MessageCopies first = recent.Of("n1", 1);

        Assert.Same(first, recent.Of("n1", 1));
        Assert.NotSame(first, recent.Of("n1", 2));
        Assert.NotSame(first, recent.Of("n2", 1));
    }

    [Fact]
    public void Of_AfterItsLifetime_IsForgottenNotBefore()
    {
        RecentCopies recent = new(_time);
        MessageCopies first = recent.Of("n1", 1);

        _time.Advance(RecentCopies.Lifetime);
        recent.Trim();
        Assert.Same(first, recent.Of("n1", 1));

        _time.Advance(RecentCopies.Lifetime);
        recent.Trim();
        Assert.NotSame(first, recent.Of("n1", 1));
    }

    [Fact]
    public void Of_WithinTheBound_IsRememberedAndBeyondTwiceTheBoundNot()
    {
        RecentCopies recent = new(_time);
        MessageCopies first = recent.Of("n1", 0);
        for (int message = 1; message <= RecentCopies.MaxInGeneration; message++)
        {
            recent.Of("n1", message);
        }

        Assert.Same(first, recent.Of("n1", 0));
        for (int message = 1; message <= 2 * RecentCopies.MaxInGeneration; message++)
        {
            recent.Of("n2", message);
        }

        Assert.NotSame(first, recent.Of("n1", 0));
    }
}
