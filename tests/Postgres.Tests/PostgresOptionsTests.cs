using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>Options that are refused, by name and without the connection string.</summary>
public sealed class PostgresOptionsTests
{
    [Theory]
    [InlineData("Host=h;Pooling=true", "Pooling")]
    [InlineData("Host=h;Keepalive=5", "Keepalive")]
    [InlineData("Host=h;Timeout=5", "Timeout")]
    [InlineData("Host=h;Command Timeout=5", "Command Timeout")]
    [InlineData("Host=h;Target Session Attributes=any", "Target Session Attributes")]
    [InlineData("Host=h;Search Path=x", "Search Path")]
    [InlineData("Database=d", "Host")]
    [InlineData("Host=h;Nonsense=verysecret", "cannot be parsed")]
    [InlineData("Host=h;Port=verysecret", "cannot be parsed")]
    [InlineData("verysecret", "cannot be parsed")]
    public void Validate_OfWhatIsNotAccepted_NamesIt_WithoutAValue(string connectionString, string named)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new PostgresOptions { ConnectionString = connectionString }.Validate());

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("verysecret", $"{error}", StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_OfSeveralHostsAndTls_Passes()
        => new PostgresOptions
        {
            ConnectionString = "Host=a:5432,b:5433;Username=weir;Password=p;Database=weir;SSL Mode=VerifyFull;Application Name=chat",
        }.Validate();

    [Fact]
    public void Numbers_BeyondTheirRange_AreRefused()
    {
        PostgresOptions options = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxPending = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.RequestTimeout = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.ProbeInterval = TimeSpan.FromDays(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.OutboxInterval = TimeSpan.FromTicks(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MetaTtl = TimeSpan.FromDays(4000));
    }
}
