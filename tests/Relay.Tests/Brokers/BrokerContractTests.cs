using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Relay.Tests.Brokers;

/// <summary>The contract fails a broker that does not keep it.</summary>
public sealed class BrokerContractTests
{
    [Theory]
    [InlineData("ReadHistory_IsBoundedByTheRule_AndTheTopContinues", true)]
    [InlineData("ReadHistory_SinceLimitReverse_AreAsDescribed", true)]
    [InlineData("Publish_FromManyThreads_NumbersEachOnceAndAnnouncesInThatOrder", true)]
    [InlineData("Publish_WithHistory_IsAnnouncedAndStoredWithAllThatBelongsToIt", true)]
    [InlineData("Publish_WithHistory_NumbersFromOneWithoutGaps", false)]
    public async Task BrokerThatKeepsNothing_FailsTheCasesThatReadHistory(string name, bool fails)
    {
        await using ForgetfulBroker contract = new();

        Exception? error = await Record.ExceptionAsync(() => contract.RunAsync(name));

        Assert.Equal(fails ? typeof(BrokerContractException) : null, error?.GetType());
    }

    [Fact]
    public async Task Run_OfAnUnknownCase_IsRefusedByName()
    {
        await using ForgetfulBroker contract = new();

        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(() => contract.RunAsync("no such case"));

        Assert.Contains("no such case", error.Message, StringComparison.Ordinal);
    }

    // A test runner shows the cases by name; a name that is there twice would hide one.
    [Fact]
    public void CaseNames_AreUnique_AndAllThere()
    {
        string[] names = [.. BrokerContract.CaseNames];

        Assert.True(names.Length >= 16);
        Assert.Equal(names, names.Distinct());
    }

    private sealed class ForgetfulBroker : BrokerContract
    {
        private readonly FakeTimeProvider _time = new();

        protected override ValueTask<IBroker> CreateAsync() => new(new MemoryBroker(new() { MaxHistoryBytes = 1 }, _time));

        protected override Task PassAsync(TimeSpan time)
        {
            _time.Advance(time);
            return Task.CompletedTask;
        }
    }
}
