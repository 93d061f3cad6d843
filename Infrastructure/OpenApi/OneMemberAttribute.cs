namespace Profiles.Infrastructure.OpenApi;

/// <summary>Says of a request that one of its members must be there, whichever; null is not a value for any of them.</summary>
[AttributeUsage(AttributeTargets.Class)]
sealed class OneMemberAttribute : Attribute
{
    public bool OrMore { get; init; }
}
