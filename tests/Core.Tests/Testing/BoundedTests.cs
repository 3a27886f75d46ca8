using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class BoundedTests
{
    private static readonly TimeSpan _short = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task Within_NeverDone_NamesTheExpression()
    {
        TaskCompletionSource<int> never = new();

        TimeoutException error = await Assert.ThrowsAsync<TimeoutException>(() => never.Task.Within(_short));

        Assert.Contains("never.Task", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Within_TaskFails_PassesItsOwnError()
    {
        TimeoutException own = new("own");

        Assert.Same(own, await Assert.ThrowsAsync<TimeoutException>(() => Task.FromException(own).Within(_short)));
    }

    [Fact]
    public async Task Within_Done_GivesTheResult()
    {
        Assert.Equal(7, await Task.FromResult(7).Within());
        Assert.Equal(8, await new ValueTask<int>(8).Within());
    }

    [Fact]
    public async Task Eventually_BecomesTrue_Returns()
    {
        int looks = 0;

        await Bounded.Eventually(() => ++looks == 3);

        Assert.Equal(3, looks);
    }

    [Fact]
    public async Task Eventually_StaysFalse_NamesTheExpression()
    {
        bool flag = false;

        TimeoutException error =
            await Assert.ThrowsAsync<TimeoutException>(() => Bounded.Eventually(() => flag, _short));

        Assert.Contains("() => flag", error.Message, StringComparison.Ordinal);
    }
}
